import { cpu } from '@sam/backend-cpu'
import { loadSam, configs, type Backend, type Detection, type EncodedImage, type Sam } from '@sam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clipConfigJson, loadClip, zeroShotDetector, type Clip } from '../src/index.js'
import { photo, tinySam } from './text-prompts.js'
import { tinyClip, tinyTokenizer, tinyWeights } from './tiny-clip.js'

/** Random weights: tests that the parts work together, not that objects are found. */
const automatic = { pointsPerSide: 3, predIouThresh: -100, stabilityScoreThresh: 0 }

describe('query with a SAM and a CLIP', () => {
  let [backend, clip, sam, image]: [Backend, Clip, Sam, EncodedImage] = [undefined!, undefined!, undefined!, undefined!]
  beforeAll(async () => {
    backend = await cpu()
    clip = await loadClip({
      model: { config: clipConfigJson(tinyClip), tokenizer: tinyTokenizer(), weights: tinyWeights() },
      backend,
      background: ['background', 'nothing']
    })
    sam = await loadSam({ weights: await tinySam(clip.width), model: configs['tiny-test'], backend, text: clip })
    image = await sam.encode(photo)
  })
  afterAll(async () => {
    image.dispose()
    await Promise.all([sam.dispose(), clip.dispose()])
    backend.dispose()
  })

  it.each(['prompt', 'rank'] as const)('route %s: scores are softmax probabilities that add up to one', async route => {
    const scoresOf = async (phrase: string, not: string[]): Promise<Map<string, number>> =>
      new Map(
        (await image.query(phrase, { route, not, threshold: 0, automatic, overlap: { iou: 1, containment: 1 } })).map(
          ({ box, score, mask }) => [`${box} ${mask.area}`, score]
        )
      )
    const a = await scoresOf('a wheel', ['a door'])
    expect(a.size).toBeGreaterThan(0)
    for (const score of a.values()) expect(score > 0 && score < 1).toBe(true)
    if (route === 'prompt') return
    const [b, c, d] = [
      await scoresOf('a door', ['a wheel']),
      await scoresOf('background', ['a wheel', 'a door']),
      await scoresOf('nothing', ['a wheel', 'a door'])
    ]
    for (const [key, score] of a) expect(score + b.get(key)! + c.get(key)! + d.get(key)!).toBeCloseTo(1, 4)
  })

  it("generateMasks with crops: gives masks of the photo's size", async () => {
    const found = await image.generateMasks({ ...automatic, cropNLayers: 1, boxNmsThresh: 1 })
    expect(found.length).toBeGreaterThan(0)
    for (const { mask, area, box } of found)
      expect([mask.width, mask.height, mask.area, mask.boxXyxy]).toEqual([90, 60, area, box])
  })

  it('reports a missing photo of a loaded embedding', async () => {
    const bytes = await image.save()
    const bare = await sam.load(bytes)
    await expect(bare.query('a wheel', { route: 'rank', automatic })).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: expect.stringContaining('Sam.load(bytes, { image })') as string
    })
    const withPhoto = await sam.load(bytes, { image: photo })
    expect(await withPhoto.query('a wheel', { route: 'prompt', threshold: 0, limit: 1 })).toHaveLength(1)
    bare.dispose()
    withPhoto.dispose()
  })

  it("zeroShotDetector: converts transformers.js' detections to boxes", async () => {
    class RawImage {
      constructor(
        readonly data: Uint8Array,
        readonly width: number,
        readonly height: number,
        readonly channels: number
      ) {}
    }
    const seen: unknown[] = []
    const detect = zeroShotDetector(
      async (picture, labels, options) => {
        seen.push(picture, labels, options)
        return [{ score: 0.8, label: 'a wheel', box: { xmin: 5, ymin: 6, xmax: 70, ymax: 50 } }]
      },
      { RawImage }
    )
    const found: readonly Detection[] = await detect(photo, ['a wheel'], {})
    expect(found).toEqual([{ score: 0.8, label: 'a wheel', box: [5, 6, 70, 50] }])
    expect(seen).toEqual([new RawImage(photo.data, 90, 60, 3), ['a wheel'], { threshold: 0.1 }])
    const {
      masks: [mask]
    } = await image.predict({ box: [5, 6, 70, 50] }, { best: true })
    const instances = await image.query('a wheel', { detect })
    expect(instances.map(i => [i.score, i.mask.area])).toEqual(mask.area ? [[0.8, mask.area]] : [])
  })
})
