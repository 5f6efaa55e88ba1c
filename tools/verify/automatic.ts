/**
 * Compares automatic mask generation of MobileSAM with the public SamAutomaticMaskGenerator:
 * node tools/run.js tools/verify/automatic.ts --reference DIR [--backend cuda|webgpu]
 * The reference is DIR/mobile-amg.json, on a photo of DIR/photos. Prints one line of JSON per setting.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadSam, Mask, type AutomaticMask, type CocoRle } from '@sam/core'
import { openBackend } from './backends.js'
import { mobileWeights } from './mobile-weights.js'
import { camelCase } from '../camel-case.js'

const {
  values: { reference, backend: backendName, decompose }
} = parseArgs({
  options: {
    reference: { type: 'string' },
    backend: { type: 'string', default: 'cpu' },
    decompose: { type: 'boolean', default: false }
  }
})

/** A record of the class, with the form `coco_rle`. */
interface Expected {
  readonly segmentation: CocoRle
  readonly predicted_iou: number
  readonly stability_score: number
}
const { image: photo, runs } = JSON.parse(readFileSync(join(reference!, 'mobile-amg.json'), 'utf8')) as {
  image: string
  runs: Record<string, { args: Record<string, number>; records: Expected[] }>
}

const backend = await openBackend(backendName, decompose)
const sam = await loadSam({ weights: await mobileWeights(join(reference!, 'mobile_sam.pt')), backend })
const image = await sam.encode(join(reference!, 'photos', photo))
for (const [name, { args, records }] of Object.entries(runs)) {
  process.stderr.write(`mobile_amg: ${name}\n`)
  const started = performance.now()
  const found = await image.generateMasks(camelCase(args))
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify({ name, ...compare(found, records), seconds }))
}
image.dispose()
await sam.dispose()
backend.dispose()

/**
 * Pairs each record with the most similar mask, if one has an IoU over 0.5; each mask is used once. Returns the worst
 * values of the pairs, and the numbers of records and masks that are left over.
 */
function compare(found: readonly AutomaticMask[], records: readonly Expected[]) {
  const left = [...found]
  const worst = { missing: 0, maskIou: 1, iou: 0, stability: 0 }
  for (const { segmentation, predicted_iou, stability_score } of records) {
    const expected = Mask.fromRle(segmentation)
    const ious = left.map(({ mask }) => mask.iou(expected))
    const best = Math.max(0, ...ious)
    if (best <= 0.5) {
      worst.missing++
      continue
    }
    worst.maskIou = Math.min(worst.maskIou, best)
    const [item] = left.splice(ious.indexOf(best), 1)
    worst.iou = Math.max(worst.iou, Math.abs(item.mask.predictedIou - predicted_iou))
    worst.stability = Math.max(worst.stability, Math.abs(item.stability - stability_score))
  }
  return { ...worst, surplus: left.length }
}
