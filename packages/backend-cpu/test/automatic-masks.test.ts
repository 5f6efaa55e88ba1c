import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { configs, loadSam, Mask, type AutomaticMask, type EncodedImage } from '@sam/core'
import { toLastPixels } from '@sam/core/model'
import { cpu } from '@sam/backend-cpu'
import { camelCase } from '../../../tools/camel-case.js'

const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url))

/** A record of Meta's class. Boxes are x, y, width, height between first and last pixels. */
interface Expected {
  readonly segmentation: string
  readonly area: number
  readonly bbox: readonly number[]
  readonly predicted_iou: number
  /** null: NaN, of an empty mask. */
  readonly stability_score: number | null
  readonly point_coords: readonly [readonly [number, number]]
  readonly crop_box: readonly number[]
}
interface Setting {
  readonly args: Readonly<Record<string, unknown>>
  readonly mask_threshold: number
  readonly records: readonly Expected[]
}
const { size, settings } = JSON.parse(readFileSync(fixture('automatic-masks.json'), 'utf8')) as {
  size: [number, number]
  settings: Record<string, Setting>
}
const [height, width] = size

/** The picture of tools/reference/automatic_masks.py: curved stripes, in whole numbers. */
const picture = {
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const at = Math.floor(i / 3)
    const [x, y] = [at % width, Math.floor(at / width)]
    return [((x * x) >> 6) + 3 * y, Math.floor((y * y) / 48) + 5 * x, Math.floor((x * y) / 96) + 7 * x][i % 3] % 256
  })
}

const differingPixels = (a: Mask, b: Mask): number => {
  const other = b.bitmap()
  return a.bitmap().reduce((n, v, i) => n + (v === other[i] ? 0 : 1), 0)
}

const metaBox = (box: AutomaticMask['box']): readonly number[] => {
  const [x0, y0, x1, y1] = toLastPixels(box)
  return [x0, y0, x1 - x0, y1 - y0]
}

function isSame(found: AutomaticMask, expected: Expected): boolean {
  const [[x, y]] = expected.point_coords
  const [left, top, w, h] = expected.crop_box
  return (
    Math.hypot(found.point.x - x, found.point.y - y) < 1e-6 &&
    `${found.crop}` === `${[left, top, left + w, top + h]}` &&
    `${metaBox(found.box)}` === `${expected.bbox}` &&
    Math.abs(found.mask.predictedIou - expected.predicted_iou) < 1e-5 &&
    differingPixels(found.mask, Mask.fromRle({ size, counts: expected.segmentation })) === 0
  )
}

describe("generateMasks: the masks of Meta's SamAutomaticMaskGenerator", () => {
  let image: EncodedImage
  beforeAll(async () => {
    const backend = await cpu({ threads: 1 })
    const weights = fixture('tiny-checkpoint.safetensors')
    const sam = await loadSam({ weights, model: configs['tiny-test'], backend })
    image = await sam.encode(picture)
    return async () => {
      image.dispose()
      await sam.dispose()
      backend.dispose()
    }
  })

  it.each(Object.keys(settings))('%s', async name => {
    const { args, mask_threshold: maskThreshold, records } = settings[name]
    const found = await image.generateMasks({ ...camelCase(args), maskThreshold })
    const left = [...found]
    for (const expected of records) {
      const at = left.findIndex(item => isSame(item, expected))
      expect(at, `a mask like that at ${expected.point_coords[0]}`).toBeGreaterThanOrEqual(0)
      const [item] = left.splice(at, 1)
      expect([item.area, item.mask.area]).toEqual([expected.area, expected.area])
      expect(item.stability).toBeCloseTo(expected.stability_score ?? 0, 3)
    }
    expect(left).toEqual([])
  })
})
