import { describe, expect, it } from 'vitest'
import type { Box } from '../masks/box.js'
import { generateMasks, streamMasks, type AutomaticMask, type CroppableImage } from './generator.js'
import { paperMaskOptions, type AutomaticMaskOptions } from './options.js'
import type { Promptable } from '../prompts/promptable.js'
import { frameOf } from '../image/frame.js'
import { Mask } from '../masks/mask.js'

/** A fake model with two boxes in a photo of 640 × 480: for a point in one it predicts that box, both, and noise. */
const things: Box[] = [
  [40, 40, 240, 200],
  [360, 270, 600, 440]
]
const contains = ([x0, y0, x1, y1]: Box, x: number, y: number): boolean => x >= x0 && x < x1 && y >= y0 && y < y1

const maskOf = (
  view: { width: number; height: number },
  boxes: readonly Box[],
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
const answering = (width: number, height: number, [left, top]: readonly number[] = [0, 0]): Promptable => ({
  width,
  height,
  async predict(prompts, { signal }) {
    signal?.throwIfAborted()
    asked += prompts.length
    return prompts.map(({ points: [{ x, y }] = [{ x: 0, y: 0 }] }) => {
      const local = things.map(([a, b, c, d]): Box => [a - left, b - top, c - left, d - top])
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
      return { masks, tokenIndices: [2, 1, 3] }
    })
  }
})

const disposed: number[] = []
const image: CroppableImage = {
  ...answering(640, 480),
  photo: async () => ({ width: 640, height: 480, data: new Uint8Array(640 * 480 * 3) }),
  encodeCrop: async ([x0, y0, x1, y1]) => {
    const crop = crops.findIndex(c => `${c}` === `${[x0, y0, x1, y1]}`)
    return {
      ...answering(x1 - x0, y1 - y0, crops[crop]),
      dispose: () => {
        disposed.push(crop)
      }
    }
  }
}
/** What cropBoxes gives for one layer without overlap. */
const crops: Box[] = [
  [0, 0, 320, 240],
  [0, 240, 320, 480],
  [320, 0, 640, 240],
  [320, 240, 640, 480]
]
const boxes = (found: { box: Box }[]): string[] => found.map(f => `${f.box}`).sort()

describe('generateMasks', () => {
  it('finds each object once, best first, with its measures', async () => {
    asked = 0
    const found = await generateMasks(image, { pointsPerSide: 8 })
    expect(boxes(found)).toEqual(['40,40,240,200', '360,270,600,440', '40,40,600,440'].sort())
    expect(found.map(f => f.mask.predictedIou)).toEqual([...found.map(f => f.mask.predictedIou)].sort((a, b) => b - a))
    for (const { mask, box, area, stability, crop } of found) {
      expect([mask.boxXyxy, mask.area]).toEqual([box, area])
      expect(stability).toBeGreaterThan(0.95)
      expect(crop).toEqual([0, 0, 640, 480])
    }
    expect(asked).toBe(64)
  })

  it('drops masks with a low predicted IoU, a low stability or a large area', async () => {
    const small: [AutomaticMaskOptions, number][] = [
      [{ predIouThresh: 0.92 }, 2],
      [{ predIouThresh: 0.99 }, 0],
      [{ maxArea: 0.2 }, 2],
      [{ stabilityScoreThresh: 1.1 }, 0],
      [{ pointGrids: [[[0.2, 0.2]]] }, 2],
      [{ pointGrids: [[]] }, 0]
    ]
    for (const [options, count] of small)
      expect((await generateMasks(image, { pointsPerSide: 6, ...options })).length, JSON.stringify(options)).toBe(count)
  })

  it('runs on crops, drops masks cut off by them, and maps the others to the photo', async () => {
    disposed.length = 0
    const progress: number[] = []
    const found = await generateMasks(image, {
      pointsPerSide: 5,
      cropNLayers: 1,
      cropOverlapRatio: 0,
      predIouThresh: 0.92,
      onProgress: ({ done, total }) => progress.push(done / total)
    })
    expect(disposed).toEqual([0, 1, 2, 3])
    expect(progress.at(-1)).toBe(1)
    // Both are complete in a crop, and masks from smaller crops are preferred.
    expect(found.map(f => `${f.crop}`).sort()).toEqual(['0,0,320,240', '320,240,640,480'])
    expect(boxes(found)).toEqual(['40,40,240,200', '360,270,600,440'].sort())
    for (const { mask, box, area, point } of found) {
      expect([mask.width, mask.height, mask.boxXyxy, mask.area]).toEqual([640, 480, box, area])
      expect(mask.bitmap()[Math.floor(point.y) * 640 + Math.floor(point.x)]).toBe(1)
    }
    // An object cut by a crop's edge is found in the other crops.
    const cut = await generateMasks(
      {
        ...image,
        encodeCrop: async ([x0, y0, x1, y1]) => ({ ...answering(x1 - x0, y1 - y0, [100, 100]), dispose: () => {} })
      },
      { pointsPerSide: 4, cropNLayers: 1, cropOverlapRatio: 0, predIouThresh: 0.92 }
    )
    expect(boxes(cut)).toContain('40,40,240,200')
  })

  it('streams updates whose sum is the same set, with progress', async () => {
    const options = { pointsPerSide: 5, pointsPerBatch: 3, cropNLayers: 1, cropOverlapRatio: 0 }
    const found = new Set<AutomaticMask>()
    const steps: number[] = []
    for await (const { added, removed, done, total } of streamMasks(image, options)) {
      for (const mask of removed) expect(found.delete(mask)).toBe(true)
      for (const mask of added) expect(found.size).toBeLessThan(found.add(mask).size)
      steps.push(done / total)
    }
    expect(steps).toHaveLength(5 * 9 + 1)
    expect(steps.at(-2)).toBe(1)
    expect(boxes([...found])).toEqual(boxes(await generateMasks(image, options)))
  })

  it('decodes a mask again if the mask that suppressed it is suppressed', async () => {
    // Three boxes in a row: the second overlaps both others, and the third is the best.
    const row: Box[] = [0, 60, 120].map(x => [x, 0, x + 200, 100])
    const prompts: number[] = []
    const view: CroppableImage = {
      ...image,
      predict: async asked =>
        asked.map(({ points: [{ x }] = [{ x: 0, y: 0 }] }) => {
          prompts.push(x)
          const i = Math.round(x / 64)
          return { masks: [maskOf(image, [row[i]], 0.9 + i / 100)], tokenIndices: [1] }
        })
    }
    const options = { pointGrids: [[0, 0.1, 0.2].map(x => [x, 0.1] as const)], pointsPerBatch: 1, boxNmsThresh: 0.5 }
    const sizes: string[][] = []
    for await (const { added, removed } of streamMasks(view, options))
      sizes.push([...added.map(m => `+${m.box[0]}`), ...removed.map(m => `-${m.box[0]}`)])
    expect(sizes).toEqual([['+0'], ['+60', '-0'], ['+120', '+0', '-60'], []])
    expect(prompts).toEqual([0, 64, 128, 0])
  })

  it('ends when the loop is left, and frees the crop', async () => {
    disposed.length = 0
    for await (const { done } of streamMasks(image, { pointsPerSide: 2, cropNLayers: 1 })) if (done > 4) break
    expect(disposed).toHaveLength(1)
  })

  it('keeps only the outline without logits', async () => {
    const options = { pointsPerSide: 6 }
    const [kept, dropped] = await Promise.all(
      [true, false].map(keepLogits => generateMasks(image, { ...options, keepLogits }))
    )
    expect(kept.every(({ mask }) => mask.lowResLogits)).toBe(true)
    expect(dropped.some(({ mask }) => mask.lowResLogits)).toBe(false)
    expect(dropped.map(({ mask }) => mask.toCocoRle())).toEqual(kept.map(({ mask }) => mask.toCocoRle()))
  })

  it('removes duplicates by their pixels', async () => {
    const found = (overlap: AutomaticMaskOptions['overlap']): Promise<AutomaticMask[]> =>
      generateMasks(image, { pointsPerSide: 8, boxNmsThresh: 2, overlap })
    expect((await found(undefined)).length).toBeGreaterThan(3)
    expect(boxes(await found({ iou: 0.8 }))).toEqual(['360,270,600,440', '40,40,240,200', '40,40,600,440'])
    // The mask of both objects contains those of each, which are better.
    expect(boxes(await found({ containment: 0.9 }))).toEqual(['360,270,600,440', '40,40,240,200'])
  })

  it('takes the settings of the paper', async () => {
    const progress: number[] = []
    await generateMasks(image, { ...paperMaskOptions, onProgress: ({ total }) => progress.push(total) })
    expect(progress[0]).toBe(32 * 32 + 4 * 16 * 16 + 16 * 8 * 8)
  })

  it('removes small regions', async () => {
    const [found] = await generateMasks(image, { pointsPerSide: 8, predIouThresh: 0.92, minMaskRegionArea: 100_000 })
    expect(found.area).toBe(found.mask.area)
    expect(found.mask.predictedIou).toBeGreaterThan(0.92)
  })

  it('rejects options outside their range, and stops when aborted', async () => {
    const bad: AutomaticMaskOptions[] = [
      { pointsPerSide: 0 },
      { pointsPerSide: 1.5 },
      { pointsPerSide: 1e6 },
      { cropNLayers: 9 },
      { predIouThresh: NaN },
      { cropOverlapRatio: 1 },
      { cropNPointsDownscaleFactor: 0 },
      { pointGrids: [[[2, 0]]] },
      { pointGrids: [[], []] },
      { pointsPerBatch: 0 },
      { pointsPerBatch: 1025 },
      { maskThreshold: Infinity },
      { minMaskRegionArea: -1 },
      { keepLogits: 1 as never },
      { overlap: { iou: NaN } },
      { overlap: { iou: null as never } },
      { overlap: { ios: 1 } as never }
    ]
    for (const options of bad)
      await expect(generateMasks(image, options), JSON.stringify(options)).rejects.toMatchObject({
        code: 'E_BAD_OPTION'
      })
    await expect(generateMasks(image, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  })
})
