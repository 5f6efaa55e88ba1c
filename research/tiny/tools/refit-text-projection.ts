// Refits a model's text projection from one CLIP to another, by crops that both embed:
// node tools/run.js research/tiny/tools/refit-text-projection.ts --sam FILE --from FOLDER --to FOLDER --out FILE
// [--scenes 120]
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { cropFeeds, loadClip } from '@sam/clip'
import { openWeights } from '@sam/core'
import { recognise } from '@sam/core/model'
import { createRng } from '@sam/rng'
import { scenes } from '@sam/scenes'
import { readParams, saveModel } from '@sam/train'
import { sampleCropRule } from '@sam/train/toolkit'
import { refitTextProjection, type CropPairs } from '../src/grounding/refit-text-projection.js'
import { tinyText } from '../src/recipes.js'

const { values } = parseArgs({
  options: {
    sam: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    out: { type: 'string' },
    scenes: { type: 'string', default: '120' }
  }
})
const given = (name: 'sam' | 'from' | 'to' | 'out'): string => {
  const value = values[name]
  if (value === undefined) throw new Error(`--${name} must be given`)
  return value
}
const backend = await cpu()
const [from, to] = await Promise.all([given('from'), given('to')].map(model => loadClip({ model, backend })))
const source = await openWeights(given('sam'))
const config = recognise(source)
if (!config) throw new Error(`${given('sam')} must be a SAM`)

const pairs: Record<keyof CropPairs, Float32Array[]> = { from: [], to: [] }
const data = scenes({ size: config.imageSize, seed: 3001 })
for (let i = 0; i < Number(values.scenes); i++) {
  const { image, truths } = await data.read(i)
  const masks = truths.map(({ mask }) => ({ width: image.width, height: image.height, data: mask }))
  const cuts = masks.map((mask, k) => ({
    photo: image,
    mask,
    rule: sampleCropRule(createRng(i, k), tinyText.text?.crop)
  }))
  for (const [side, clip] of [
    ['from', from],
    ['to', to]
  ] as const)
    pairs[side].push(...(await clip.embedCropFeeds(cropFeeds(cuts, clip.config))))
}
await saveModel(given('out'), refitTextProjection(await readParams(source, config), pairs), { config, dtype: 'F32' })
console.log(`${pairs.to.length} crops; ${given('out')}`)
process.exit(0)
