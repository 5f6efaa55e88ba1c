import { beforeEach, describe, expect, it } from 'vitest'
import type { SamErrorCode } from '../errors.js'
import type { Box } from '../masks/box.js'
import { frameOf } from '../image/frame.js'
import { Mask } from '../masks/mask.js'
import type { TextModel } from './crop-encoder.js'
import type { Prompt } from '../prompts/prompt.js'
import { query, queryThresholds, type Detection, type SearchableImage, type QueryOptions } from './query.js'

/** A photo of 64 × 48 with a red and a blue object, and a smaller one inside the blue one. */
const red: Box = [4, 4, 24, 20]
const blue: Box = [32, 20, 60, 44]
const dot: Box = [36, 24, 46, 34]
const things = [red, blue, dot]
const contains = ([x0, y0, x1, y1]: Box, x: number, y: number): boolean => x >= x0 && x < x1 && y >= y0 && y < y1
const frame = frameOf({ width: 64, height: 48 }, 64)
const maskOf = (boxes: readonly Box[], predictedIou: number): Mask =>
  new Mask({
    lowResLogits: Float32Array.from({ length: 4096 }, (_, i) =>
      boxes.some(b => contains(b, (i % 64) + 0.5, Math.floor(i / 64) + 0.5)) ? 9 : -9
    ),
    frame,
    predictedIou
  })

/** Embeddings of colours; unknown phrases get another direction. */
const directions: Record<string, number[]> = {
  red: [1, 0, 0, 0],
  blue: [0, 1, 0, 0],
  navy: [0, 0.98, 0.2, 0],
  background: [0, 0, 0, 1]
}
const unit = (v: number[]): Float32Array => Float32Array.from(v, x => x / Math.hypot(...v))

let [prompted, cropped] = [0, 0]
const clip: TextModel = {
  width: 4,
  scale: 20,
  background: ['background'],
  embed: async phrases => phrases.map(p => unit(directions[p] ?? [0, 0, 1, 0])),
  async embedCrops(_, masks) {
    cropped += masks.length
    return masks.map(({ data }) => {
      const inside = (box: Box): number =>
        data.reduce((n, v, i) => n + (v && contains(box, i % 64, Math.floor(i / 64)) ? 1 : 0), 0)
      const area = data.reduce((n, v) => n + v, 0)
      return unit([inside(red) / area, inside(blue) / area, 0, 0.5])
    })
  }
}

const image: SearchableImage = {
  width: 64,
  height: 48,
  text: clip,
  textWidth: 4,
  photo: async () => ({ width: 64, height: 48, data: new Uint8Array(64 * 48 * 3) }),
  encodeCrop: async () => {
    throw new Error('not here')
  },
  async predict(prompts: readonly Prompt[], { signal, best }) {
    signal?.throwIfAborted()
    prompted += prompts.length
    return prompts.map(({ points: [point] = [], box, text }) => {
      const at = point ?? (box ? { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 } : { x: 0, y: 0 })
      const mine =
        text === 'red' ? [red] : text !== undefined ? [blue] : things.filter(t => contains(t, at.x, at.y)).slice(0, 1)
      const masks = [
        maskOf(mine, mine.length ? 0.97 : 0.1),
        maskOf(mine.some(b => b === blue) ? [dot] : things, 0.93),
        maskOf([], 0.9)
      ]
      return { masks: best ? masks.slice(0, 1) : masks, tokenIndices: [1, 2, 3].slice(0, best ? 1 : 3) }
    })
  }
}
const without = (parts: Partial<SearchableImage>): SearchableImage => ({ ...image, ...parts })
const automatic = { pointsPerSide: 8 }
const boxes = (found: readonly { box: readonly number[] }[]): string[] => found.map(f => `${f.box}`)
beforeEach(() => {
  ;[prompted, cropped] = [0, 0]
})

describe('route rank', () => {
  it('finds and scores the object, without the part inside it', async () => {
    const found = await query(image, 'blue', { route: 'rank', automatic })
    expect(boxes(found)).toEqual([`${blue}`])
    expect(found[0].score).toBeGreaterThan(0.9)
    expect(found[0].predictedIou).toBe(found[0].mask.predictedIou)
    expect(found[0].mask.bitmap()[30 * 64 + 50]).toBe(1)
    expect(
      boxes(await query(image, 'blue', { route: 'rank', automatic, overlap: { containment: 1, iou: 1 } }))
    ).toContain(`${dot}`)
  })

  it('generates and embeds masks once per image for all phrases', async () => {
    const fresh = without({})
    await query(fresh, 'red', { route: 'rank', automatic })
    const before = [prompted, cropped]
    expect(before[1]).toBeGreaterThan(2)
    expect(boxes(await query(fresh, 'blue', { route: 'rank', automatic }))).toEqual([`${blue}`])
    expect([prompted, cropped]).toEqual(before)
    await query(fresh, 'blue', { route: 'rank', automatic: { pointsPerSide: 4 } })
    expect(prompted).toBeGreaterThan(before[0])
  })

  it('returns nothing for an absent object, and all candidates with threshold 0', async () => {
    expect(await query(image, 'a ghost', { route: 'rank', automatic })).toEqual([])
    const all = await query(image, 'a ghost', { route: 'rank', automatic, threshold: 0 })
    expect(all.length).toBeGreaterThan(0)
    for (const { score } of all) expect(score).toBeLessThan(queryThresholds.rank)
  })

  it('uses the threshold of its encoder, if it has one', async () => {
    const [{ score }] = await query(image, 'navy', { route: 'rank', automatic, threshold: 0, limit: 1 })
    const with_ = (threshold: number) => without({ text: { ...clip, threshold } })
    expect(await query(with_(score - 1e-6), 'navy', { route: 'rank', automatic, limit: 1 })).toHaveLength(1)
    expect(await query(with_(score + 1e-6), 'navy', { route: 'rank', automatic })).toEqual([])
    expect(await query(with_(score + 1e-6), 'navy', { route: 'rank', automatic, threshold: 0, limit: 1 })).toHaveLength(
      1
    )
  })

  it('scores against negatives', async () => {
    const [{ score }] = await query(image, 'navy', { route: 'rank', automatic })
    const [against] = await query(image, 'navy', { route: 'rank', automatic, not: ['blue'], threshold: 0 })
    expect(against.score).toBeLessThan(score)
    expect(await query(image, 'navy', { route: 'rank', automatic, not: ['blue'] })).toEqual([])
  })

  it('limits the number of instances, and does not cache aborted work', async () => {
    const fresh = without({})
    await expect(
      query(fresh, 'red', { route: 'rank', automatic, signal: AbortSignal.abort(new Error('stop')) })
    ).rejects.toThrow('stop')
    const controller = new AbortController()
    const slow = without({
      text: {
        ...clip,
        embedCrops: async (...args) => {
          controller.abort(new Error('enough'))
          return clip.embedCrops!(...args)
        }
      }
    })
    await expect(query(slow, 'red', { route: 'rank', automatic, signal: controller.signal })).rejects.toThrow('enough')
    expect(await query(slow, 'red', { route: 'rank', automatic, threshold: 0, limit: 2 })).toHaveLength(2)
  })
})

describe('route prompt', () => {
  it('prompts with the text, scores the masks by their crops, and drops the empty mask', async () => {
    const found = await query(image, 'red', { route: 'prompt' })
    expect(boxes(found)[0]).toBe(`${red}`)
    expect(prompted).toBe(3) // the text, and the text with the box of each of its two masks that are not empty
    await query(image, 'red', { route: 'prompt', points: [{ x: 12, y: 12 }] })
    expect(prompted).toBe(4) // with a click there is no second pass
    expect(await query(image, 'a ghost', { route: 'prompt' })).toEqual([])
  })
  it('is the default if the checkpoint has text prompts', async () => {
    expect(boxes(await query(image, 'red'))).toEqual(boxes(await query(image, 'red', { route: 'prompt' })))
  })
})

describe('route detect', () => {
  const detect = async (): Promise<Detection[]> => [
    { box: [33, 21, 59, 45], score: 0.6, label: 'blue' },
    { box: [4, 4, 24, 20], score: 0.3, label: 'blue' },
    { box: [5, 4, 24, 20], score: 0.8, label: 'red' },
    { box: [33, 20, 60, 44], score: 0.55, label: 'blue' },
    { box: [200, 0, 300, 9], score: 0.9, label: 'blue' },
    { box: [0, 0, 9, 9], score: 0.1, label: 'blue' }
  ]
  it("converts boxes to masks with the detector's scores; drops other labels, boxes outside the photo and duplicates", async () => {
    const found = await query(image, 'blue', { detect, not: ['red'] })
    expect(found.map(({ box, score }) => [`${box}`, score])).toEqual([[`${blue}`, 0.6]])
    expect(prompted).toBe(3 - 1)
  })
  it('passes the phrase and the negatives to the detector', async () => {
    const seen: string[][] = []
    expect(
      await query(image, 'blue', {
        not: ['red'],
        detect: async (_, phrases) => {
          seen.push([...phrases])
          return []
        }
      })
    ).toEqual([])
    expect(seen).toEqual([['blue', 'red']])
  })
  it('rejects malformed detections', async () => {
    for (const detections of [
      undefined,
      [{}],
      [{ box: [1, 2, 3], score: 1, label: 'blue' }],
      [{ box: [0, 0, NaN, 1], score: 1, label: 'x' }]
    ]) {
      await expect(query(image, 'blue', { detect: async () => detections as never })).rejects.toMatchObject({
        code: 'E_BACKEND_FAILED'
      })
    }
  })
})

describe('an invalid query', () => {
  const failing = (
    from: SearchableImage,
    phrase: unknown,
    options: QueryOptions,
    [code, message]: readonly [SamErrorCode, string]
  ): Promise<void> =>
    expect(query(from, phrase as string, options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string
    })

  it('is rejected with the reason', async () => {
    await failing(image, '', {}, ['E_BAD_PROMPT', 'white space'])
    await failing(image, 'x'.repeat(5000), {}, ['E_BAD_PROMPT', '1000'])
    await failing(image, 'red', { not: [' '] }, ['E_BAD_PROMPT', 'white space'])
    await failing(image, 'red', { not: ['red'] }, ['E_BAD_OPTION', 'not'])
    await failing(image, 'red', { route: 'guess' as never }, ['E_BAD_OPTION', 'prompt, rank, detect'])
    await failing(image, 'red', { threshold: 2 }, ['E_BAD_OPTION', 'threshold'])
    await failing(image, 'red', { limit: 0 }, ['E_BAD_OPTION', 'limit'])
    await failing(image, 'red', { route: 'detect' }, ['E_BAD_OPTION', 'detector'])
    await failing(without({ text: { width: 4, embed: phrases => clip.embed(phrases) } }), 'red', { route: 'rank' }, [
      'E_BAD_OPTION',
      'image encoder'
    ])
    await failing(without({ text: undefined, textWidth: undefined }), 'red', {}, ['E_BAD_OPTION', 'loadClip'])
    await failing(without({ text: { ...clip, embedCrops: async () => [new Float32Array(2)] } }), 'red', {}, [
      'E_BACKEND_FAILED',
      '4 finite values'
    ])
  })
})
