/**
 * `node tools/run.js tools/bench/photos.ts DIR [--weights FILE]`: mean IoU on photos with a mask each (DIR/images,
 * DIR/masks, same names), after one to five clicks, of the best of three masks after one click, and from the true box.
 * Without --weights, MobileSAM of `@sam/model-mobile`. Prints a row per photo and the means.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decodeImage, loadSam, Mask, type EncodedImage, type Point } from '@sam/core'
import { cpu } from '@sam/backend-cpu'
import { mobileModel } from '@sam/model-mobile'
import { nextClick, type BitGrid } from './click-policy.js'

const { positionals, values } = parseArgs({ allowPositionals: true, options: { weights: { type: 'string' } } })
const folder = positionals[0]
if (!folder) {
  process.stderr.write('photos: give the folder that holds images/ and masks/\n')
  process.exit(2)
}
const clicks = 5

const backend = await cpu()
const sam = await loadSam({ weights: values.weights ?? (await mobileModel()).weights, backend })
const rows: number[][] = []
for (const name of readdirSync(join(folder, 'images')).sort()) {
  const image = await sam.encode(join(folder, 'images', name))
  const truth = await truthOf(join(folder, 'masks', name))
  const row = [...(await clicked(image, truth)), await boxed(image, truth)]
  image.dispose()
  rows.push(row)
  print(name, row)
}
print(
  'mean',
  rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length)
)
await sam.dispose()
backend.dispose()

/** IoU after each click, and of the best mask of the first. */
async function clicked(image: EncodedImage, truth: BitGrid): Promise<number[]> {
  const points: Point[] = []
  const ious: number[] = []
  let best = 0
  let mask: Mask | undefined
  for (let i = 0; i < clicks; i++) {
    const click = nextClick(truth, mask?.bitmap() ?? new Uint8Array(truth.data.length))
    if (click) {
      points.push(click)
      const { masks } = await image.predict({ points, ...(mask && { mask }) }, { multimask: i === 0 })
      if (i === 0) best = Math.max(...masks.map(m => iou(m, truth)))
      mask = masks[0]
    }
    ious.push(iou(mask!, truth))
  }
  return [...ious, best]
}

/** IoU of the single mask of the true box, by pixel edges. */
async function boxed(image: EncodedImage, truth: BitGrid): Promise<number> {
  const { masks } = await image.predict({ box: Mask.fromBitmap(truth).boxXyxy }, { multimask: false })
  return iou(masks[0], truth)
}

async function truthOf(file: string): Promise<BitGrid> {
  const { width, height, data } = await decodeImage(file)
  return { width, height, data: Uint8Array.from({ length: width * height }, (_, i) => +(data[3 * i] > 127)) }
}

function iou(mask: Mask, { data }: BitGrid): number {
  let [both, either] = [0, 0]
  mask.bitmap().forEach((inside, i) => {
    both += inside && data[i] ? 1 : 0
    either += inside || data[i] ? 1 : 0
  })
  return either ? both / either : 1
}

function print(name: string, row: readonly number[]): void {
  console.log(`${name.padEnd(28)} ${row.map(v => v.toFixed(5)).join('  ')}`)
}
