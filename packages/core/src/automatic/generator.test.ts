import { describe, expect, it } from 'vitest'
import type { BoxXyxy } from '../masks/box.js'
import { segmentEverything, type Answering, type Croppable, type EverythingOptions } from './generator.js'
import { frameOf } from '../image/frame.js'
import { Mask } from '../masks/mask.js'

/** A model that knows two boxes in a photo of 640 × 480: of a point in one, it gives that one, both, and nonsense. */
const things: BoxXyxy[] = [
  [40, 40, 240, 200],
  [360, 270, 600, 440]
]
const contains = ([x0, y0, x1, y1]: BoxXyxy, x: number, y: number): boolean => x >= x0 && x < x1 && y >= y0 && y < y1

const maskOf = (
  view: { width: number; height: number },
  boxes: readonly BoxXyxy[],
  predictedIou: number,
  height = 9
): Mask => {
  const frame = frameOf(view, 64)
  const scale = frame.inputSize[0] / view.height
  const lowResLogits = Float32Array.from({ length: 64 * 64 }, (_, i) =>
    boxes.some(b => contains(b, ((i % 64) + 0.5) / scale, (Math.floor(i / 64) + 0.5) / scale)) ? height : -height
  )
  return new Mask({ lowResLogits, frame, predictedIou })
}

let asked = 0
const answering = (width: number, height: number, [left, top]: readonly number[] = [0, 0]): Answering => ({
  width,
  height,
  async predict(prompts, { signal }) {
    signal?.throwIfAborted()
    asked += prompts.length
    return prompts.map(({ points: [{ x, y }] = [{ x: 0, y: 0 }] }) => {
      const local = things.map(([a, b, c, d]): BoxXyxy => [a - left, b - top, c - left, d - top])
      const mine = local.filter(t => contains(t, x, y))
      const masks = [
        maskOf(
          { width, height },
          mine.length ? mine : [[x - 1, y - 1, x + 1, y + 1]],
          mine.length ? 0.95 - x / 1e5 : 0.4
        ),
        maskOf({ width, height }, local, 0.9),
        maskOf({ width, height }, local, 0.89, 0.5)
      ]
      return { masks, tokens: [2, 1, 3] }
    })
  }
})

const disposed: number[] = []
const image: Croppable = {
  ...answering(640, 480),
  photo: async () => ({ width: 640, height: 480, data: new Uint8Array(640 * 480 * 3) }),
  encodePart: async part => {
    const crop = crops.find(
      c => c[2] - c[0] === part.width && c[3] - c[1] === part.height && !disposed.includes(crops.indexOf(c))
    )!
    return {
      ...answering(part.width, part.height, crop),
      dispose: () => {
        disposed.push(crops.indexOf(crop))
      }
    }
  }
}
/** What cropBoxes gives for one layer without overlap. */
const crops: BoxXyxy[] = [
  [0, 0, 320, 240],
  [0, 240, 320, 480],
  [320, 0, 640, 240],
  [320, 240, 640, 480]
]
const boxes = (found: { box: BoxXyxy }[]): string[] => found.map(f => `${f.box}`).sort()

describe('segmentEverything', () => {
  it('finds each thing once, best first, with its numbers', async () => {
    asked = 0
    const found = await segmentEverything(image, { pointsPerSide: 8 })
    expect(boxes(found)).toEqual(['40,40,240,200', '360,270,600,440', '40,40,600,440'].sort())
    expect(found.map(f => f.mask.predictedIou)).toEqual([...found.map(f => f.mask.predictedIou)].sort((a, b) => b - a))
    for (const { mask, box, area, stability, crop } of found) {
      expect([mask.box, mask.area]).toEqual([box, area])
      expect(stability).toBeGreaterThan(0.95)
      expect(crop).toEqual([0, 0, 640, 480])
    }
    expect(asked).toBe(64 + 3)
  })

  it('drops what is unsure, unstable or too large', async () => {
    const small: [EverythingOptions, number][] = [
      [{ minIou: 0.92 }, 2],
      [{ minIou: 0.99 }, 0],
      [{ maxArea: 0.2 }, 2],
      [{ minStability: 1.1 }, 0],
      [{ points: [[0.2, 0.2]] }, 2],
      [{ points: [] }, 0]
    ]
    for (const [options, count] of small)
      expect((await segmentEverything(image, { pointsPerSide: 6, ...options })).length, JSON.stringify(options)).toBe(
        count
      )
  })

  it('looks into crops, drops what they cut off, and puts the rest in the photo', async () => {
    disposed.length = 0
    const progress: number[] = []
    const found = await segmentEverything(image, {
      pointsPerSide: 5,
      cropLayers: 1,
      cropOverlap: 0,
      minIou: 0.92,
      onProgress: ({ done, total }) => progress.push(done / total)
    })
    expect(disposed).toEqual([0, 1, 2, 3])
    expect(progress.at(-1)).toBe(1)
    // Both are seen whole in a crop, and what is seen from close by is preferred.
    expect(found.map(f => `${f.crop}`).sort()).toEqual(['0,0,320,240', '320,240,640,480'])
    expect(boxes(found)).toEqual(['40,40,240,200', '360,270,600,440'].sort())
    for (const { mask, box, area, point } of found) {
      expect([mask.width, mask.height, mask.box, mask.area]).toEqual([640, 480, box, area])
      expect(mask.bitmap()[Math.floor(point.y) * 640 + Math.floor(point.x)]).toBe(1)
    }
    // A crop's edge that cuts a thing leaves it to the others.
    const cut = await segmentEverything(
      {
        ...image,
        encodePart: async ({ width, height }) => ({ ...answering(width, height, [100, 100]), dispose: () => {} })
      },
      { pointsPerSide: 4, cropLayers: 1, cropOverlap: 0, minIou: 0.92 }
    )
    expect(boxes(cut)).toContain('40,40,240,200')
  })

  it('cleans small regions', async () => {
    const [found] = await segmentEverything(image, { pointsPerSide: 8, minIou: 0.92, minRegion: 100_000 })
    expect(found.area).toBe(found.mask.area)
    expect(found.mask.predictedIou).toBeGreaterThan(0.92)
  })

  it('refuses options outside their range, and stops when aborted', async () => {
    const bad: EverythingOptions[] = [
      { pointsPerSide: 0 },
      { pointsPerSide: 1.5 },
      { pointsPerSide: 1e6 },
      { cropLayers: 9 },
      { minIou: NaN },
      { cropOverlap: 1 },
      { cropPointsDivisor: 0 },
      { points: [[2, 0]] },
      { minRegion: -1 }
    ]
    for (const options of bad)
      await expect(segmentEverything(image, options), JSON.stringify(options)).rejects.toMatchObject({
        code: 'E_BAD_OPTION'
      })
    await expect(segmentEverything(image, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  })
})
