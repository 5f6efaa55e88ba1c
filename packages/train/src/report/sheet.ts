import { Mask, overlay, type Box, type Point, type Prompt, type RgbImage, type Sam } from '@sam/core'
import { resizeImage } from '@sam/core/model'
import { isUnfit } from '../data/check-sample.js'
import type { Dataset } from '../data/dataset.js'
import { writeNumber } from './digits.js'
import { nextClick } from '../eval/click-policy.js'
import { iouOf } from '../eval/iou.js'

export interface SheetOptions {
  /** Samples, one per row. Default: 8. */
  readonly rows?: number
  /** Clicks of the last column. Default: 5. */
  readonly clicks?: number
  /** Side of an image, in pixels. Default: 192. */
  readonly side?: number
  readonly signal?: AbortSignal | undefined
}

/** One image of a row. */
interface Tile {
  readonly mask?: Mask
  readonly points?: readonly Point[]
  readonly boxes?: readonly Box[]
  readonly iou?: number
}

const gap = 4
/** Height of the strip below each image, for its IoU. */
const strip = 24

/**
 * A contact sheet of predictions, one row per sample: the image, one of its objects, and the mask that the model ranks
 * first for one click, for the box, and after several clicks, each with its prompts and its IoU. Samples that cannot be
 * read or have no mask are skipped; undefined if none is left.
 */
export async function sheet(
  sam: Sam,
  data: Dataset,
  { rows = 8, clicks = 5, side = 192, signal }: SheetOptions = {}
): Promise<RgbImage | undefined> {
  const drawn: RgbImage[][] = []
  for (let i = 0; drawn.length < rows && i < Math.min(data.size, 4 * rows); i++) {
    const sample = await data.read(i).catch(unfit)
    const { width, height } = sample?.image ?? { width: 0, height: 0 }
    const masks = sample?.truths.filter(({ mask }) => mask.length === width * height && mask.some(v => v)) ?? []
    if (!sample || !masks.length) continue
    const truth = new Mask({ width, height, data: masks[i % masks.length].mask })
    const predictions = await tiles(sam, sample.image, { truth, clicks, signal }).catch(unfit)
    if (predictions) drawn.push([{}, { mask: truth }, ...predictions].map(tile => drawTile(sample.image, tile, side)))
  }
  return drawn.length ? grid(drawn, side) : undefined
}

function unfit(error: unknown): undefined {
  if (!isUnfit(error)) throw error
}

async function tiles(
  sam: Sam,
  image: RgbImage,
  { truth, clicks, signal }: { truth: Mask; clicks: number; signal: AbortSignal | undefined }
): Promise<Tile[]> {
  const options = { ...(signal && { signal }) }
  const encoded = await sam.encode(image, options)
  try {
    const plane = { width: truth.width, height: truth.height, data: truth.bitmap() }
    const shown = (mask: Mask, { points = [], box }: Prompt): Tile => ({
      mask,
      points,
      boxes: box ? [box] : [],
      iou: iouOf(mask.bitmap(), plane.data)
    })
    let prompt: Prompt & { points: readonly Point[] } = { points: [nextClick(plane)!] }
    const [[one], [box]] = (await encoded.predict([prompt, { box: truth.boxXyxy }], options)).map(({ masks }) => masks)
    let last = one
    for (let click = 2; click <= clicks; click++) {
      const next = nextClick(plane, last.bitmap())
      if (!next) break
      prompt = { points: [...prompt.points, next], mask: last }
      last = (await encoded.predict(prompt, options)).masks[0]
    }
    return [shown(one, { points: prompt.points.slice(0, 1) }), shown(box, { box: truth.boxXyxy }), shown(last, prompt)]
  } finally {
    encoded.dispose()
  }
}

/** Draws a tile: the image scaled to fit a square, with the IoU below. */
function drawTile(image: RgbImage, { mask, points = [], boxes = [], iou }: Tile, side: number): RgbImage {
  const scale = side / Math.max(image.width, image.height)
  const size = {
    width: Math.max(1, Math.round(image.width * scale)),
    height: Math.max(1, Math.round(image.height * scale))
  }
  const picture = resizeImage(overlay(image, mask ? [mask] : [], { points, boxes }), size)
  const square = blank(side, side + strip)
  copy(picture, square, [0, 0])
  if (iou !== undefined) {
    writeNumber(iou.toFixed(2), (x, y, ink) => {
      const at = 3 * ((side + y + 1) * side + x)
      if (x < side) square.data.fill(ink ? 255 : 20, at, at + 3)
    })
  }
  return square
}

function grid(rows: readonly (readonly RgbImage[])[], side: number): RgbImage {
  const out = blank(rows[0].length * (side + gap) + gap, rows.length * (side + strip + gap) + gap)
  rows.forEach((row, r) =>
    row.forEach((tile, c) => copy(tile, out, [gap + c * (side + gap), gap + r * (side + strip + gap)]))
  )
  return out
}

const blank = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: new Uint8Array(3 * width * height).fill(238)
})

function copy(from: RgbImage, to: RgbImage, [x, y]: readonly [number, number]): void {
  for (let row = 0; row < from.height; row++)
    to.data.set(from.data.subarray(3 * row * from.width, 3 * (row + 1) * from.width), 3 * ((y + row) * to.width + x))
}
