import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSam, type EncodedImage, type Sam } from '../src/index.js'
import { tinyTest } from '../src/sam/config.js'
import { referenceBackend } from '../src/testing.js'
import { fixturePath, maxDifference } from './tiny-io.js'

/** A small picture, different for each number. */
const picture = (n: number): { width: number; height: number; data: Uint8Array } => ({
  width: 12 + n,
  height: 9,
  data: Uint8Array.from({ length: (12 + n) * 9 * 3 }, (_, i) => (i * 7 * n + 31 * n) % 256)
})

describe('Sam.encodeAll', () => {
  let sam: Sam
  const alone: Float32Array[] = []
  /** Runs of the encoder so far, as numbers of images. */
  const runs: number[] = []
  /** Embeddings on the device that nobody disposed of. */
  let live = 0

  beforeAll(async () => {
    const backend = referenceBackend()
    const counting = {
      ...backend,
      keeps: backend.keeps.bind(backend),
      async compile(...args: Parameters<typeof backend.compile>) {
        const executable = await backend.compile(...args)
        if (args[0].name !== 'encodeImage') return executable
        return {
          graph: executable.graph,
          dispose: () => executable.dispose(),
          async run(...given: Parameters<typeof executable.run>) {
            runs.push(given[0].image.shape[0])
            const { image_embedding: embedding } = await executable.run(...given)
            live++
            let disposed = false
            const dispose = (): void => {
              if (!disposed) live--
              disposed = true
              embedding.dispose()
            }
            return { image_embedding: { ...embedding, read: embedding.read.bind(embedding), dispose } }
          }
        }
      }
    }
    sam = await loadSam(fixturePath('tiny-checkpoint.pth'), { model: tinyTest, backend: counting })
    for (const n of [1, 2, 3]) {
      using image = await sam.encode(picture(n))
      alone.push((await image.embedding()).data)
    }
  })
  afterAll(() => sam.dispose())

  it.each([1, 2, 3])('gives what encode gives, in order, with %d images per run', async batchSize => {
    runs.length = 0
    let n = 0
    for await (const { source, image, error } of sam.encodeAll([picture(1), picture(2), picture(3)], { batchSize })) {
      expect(error).toBeUndefined()
      expect(source.width).toBe(13 + n)
      expect(image!.width).toBe(13 + n)
      expect(maxDifference((await image!.embedding()).data, alone[n++])).toBeLessThanOrEqual(1e-6)
      image!.dispose()
    }
    expect(n).toBe(3)
    expect(runs).toEqual([[1, 1, 1], [2, 1], [3]][batchSize - 1])
    expect(live).toBe(0)
  })

  it('gives the error of an image that cannot be read, and continues', async () => {
    const found: (string | number)[] = []
    const read = (n: number): ReturnType<typeof picture> => {
      if (n === 2) throw new RangeError('no second')
      return picture(n)
    }
    for await (const { source, image, error } of sam.encodeAll([1, 2, 3], { read })) {
      found.push(source, error ? error.message : image.width)
      image?.dispose()
    }
    expect(found).toEqual([1, 13, 2, 'no second', 3, 15])
    for await (const { error } of sam.encodeAll(['nowhere.jpg'])) expect(error).toMatchObject({ code: 'E_BAD_IMAGE' })
  })

  it('reads one batch ahead, and not more', async () => {
    const read: number[] = []
    async function* sources(): AsyncGenerator<number> {
      for (let n = 1; n <= 9; n++) {
        read.push(n)
        yield n
      }
    }
    const seen: number[][] = []
    for await (const { image } of sam.encodeAll(sources(), { read: n => picture(n), batchSize: 2 })) {
      await new Promise(resolve => setTimeout(resolve, 30))
      seen.push([...read])
      image!.dispose()
    }
    expect(seen.map(list => list.length)).toEqual([4, 4, 6, 6, 8, 8, 9, 9, 9])
  })

  it('disposes of what an ended loop did not receive, and ends the sources', async () => {
    let ended = false
    function* sources(): Generator<ReturnType<typeof picture>> {
      try {
        for (let n = 1; ; n++) yield picture(n)
      } finally {
        ended = true
      }
    }
    let kept: EncodedImage | undefined
    for await (const { image } of sam.encodeAll(sources())) {
      kept = image
      break
    }
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(ended).toBe(true)
    expect(live).toBe(1)
    kept!.dispose()
    const all = sam.encodeAll(sources(), { batchSize: 3 })
    ;(await all.next()).value!.image!.dispose()
    await all.return()
    expect(live).toBe(0)
  })

  it('an abort ends it, also while a source is waited for', async () => {
    const controller = new AbortController()
    async function* sources(): AsyncGenerator<ReturnType<typeof picture>> {
      yield picture(1)
      await new Promise(() => {})
    }
    const all = sam.encodeAll(sources(), { signal: controller.signal })
    const { value } = await all.next()
    value!.image!.dispose()
    const next = all.next()
    controller.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    expect(await all.next()).toEqual({ done: true, value: undefined })
  })

  it('throws what the iteration of the sources throws, after what it gave before', async () => {
    async function* sources(): AsyncGenerator<ReturnType<typeof picture>> {
      yield picture(1)
      throw new Error('no more')
    }
    const all = sam.encodeAll(sources())
    ;(await all.next()).value!.image!.dispose()
    await expect(all.next()).rejects.toThrow('no more')
  })

  it.each<[string, unknown, object, RegExp]>([
    ['a single path', 'photo.jpg', {}, /must have a list of images, found "photo.jpg"/],
    ['no images per run', [], { batchSize: 0 }, /batchSize: must be a whole number from 1 to 64, found 0/],
    ['an unknown option', [], { batchsize: 2 }, /did you mean 'batchSize'/]
  ])('refuses %s', (_, sources, options, message) => {
    expect(() => sam.encodeAll(sources as string[], options)).toThrow(message)
  })
})
