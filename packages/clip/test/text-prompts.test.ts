import { cpu } from '@sam/backend-cpu'
import { loadSam, configs, type Backend, type EncodedImage, type Prompt, type Sam, type SamErrorCode } from '@sam/core'
import { referenceBackend } from '@sam/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { batchDifference, fakeEncoder, photo, tinySam } from './text-prompts.js'

const backends: Record<string, () => Promise<Backend>> = { reference: async () => referenceBackend(), cpu: () => cpu() }
it.each(Object.entries(backends))(
  'predict: gives the same masks for text prompts in a list and alone on %s',
  async (_, open) => {
    const backend = await open()
    expect(await batchDifference(backend, fakeEncoder(12))).toBeLessThan(1e-4)
    backend.dispose()
  }
)

const failing = (attempt: Promise<unknown>, code: SamErrorCode, message: string): Promise<void> =>
  expect(attempt).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })

describe('text prompts', () => {
  const backend = referenceBackend()
  let sam: Sam
  let image: EncodedImage
  beforeAll(async () => {
    sam = await loadSam({ weights: await tinySam(12), model: configs['tiny-test'], backend, text: fakeEncoder(12) })
    image = await sam.encode(photo)
  })
  afterAll(() => sam.dispose())

  it("change the prediction, count as one prompt by the paper's rule, and are normalised", async () => {
    const [wheel, car] = await image.predict([{ text: 'a wheel' }, { text: 'the whole car' }])
    expect(wheel.masks).toHaveLength(3)
    expect(wheel.masks[0].lowResLogits).not.toEqual(car.masks[0].lowResLogits)
    expect((await image.predict({ text: 'a wheel', points: [{ x: 1, y: 1 }] })).masks).toHaveLength(1)
    const [embedding] = await fakeEncoder(12).embed(['a wheel'])
    const { masks } = await image.predict({ text: embedding.map(x => 8 * x) })
    expect(Math.abs(masks[0].predictedIou - wheel.masks[0].predictedIou)).toBeLessThan(1e-6)
  })

  it('are rejected if empty or of the wrong width', async () => {
    const bad: [unknown, string][] = [
      ['', 'white space'],
      ['  ', 'white space'],
      ['wheel '.repeat(10_000), 'at most 1000'],
      [3, 'must be a string'],
      [null, 'must be a string'],
      [new Float32Array(7).fill(1), 'embedding, must be a Float32Array of 12'],
      [new Float32Array(12), 'finite norm above 0'],
      [new Float32Array(12).fill(NaN), 'finite']
    ]
    for (const [text, message] of bad) await failing(image.predict({ text } as Prompt), 'E_BAD_PROMPT', message)
  })

  it('may be in other scripts or emoji', async () => {
    for (const text of ['колесо', '车轮', '😀', 'عجلة']) expect((await image.predict({ text })).masks).toHaveLength(3)
  })

  it('require a checkpoint with a projection, and an encoder of its width', async () => {
    const plain = await loadSam({
      weights: await tinySam(),
      model: configs['tiny-test'],
      backend,
      text: fakeEncoder(12)
    })
    using without = await plain.encode(photo)
    await failing(without.predict({ text: 'a wheel' }), 'E_BAD_PROMPT', "route: 'rank'")
    await failing(without.predict({ text: new Float32Array(12).fill(1) }), 'E_BAD_PROMPT', 'text_projection')
    await plain.dispose()
    await failing(
      loadSam({ weights: await tinySam(12), model: configs['tiny-test'], backend, text: fakeEncoder(7) }),
      'E_BAD_OPTION',
      'must have 12 dimensions'
    )
    const wordless = await loadSam({ weights: await tinySam(12), model: configs['tiny-test'], backend })
    using given = await wordless.encode(photo)
    await failing(given.predict({ text: 'a wheel' }), 'E_BAD_OPTION', 'loadClip')
    expect((await given.predict({ text: new Float32Array(12).fill(1) })).masks).toHaveLength(3)
    await wordless.dispose()
  })

  it('throw if the encoder returns invalid embeddings', async () => {
    const lying = { width: 12, embed: async () => [new Float32Array(3)] }
    const other = await loadSam({ weights: await tinySam(12), model: configs['tiny-test'], backend, text: lying })
    using encoded = await other.encode(photo)
    await failing(encoded.predict({ text: 'a wheel' }), 'E_BACKEND_FAILED', '12 finite values')
    await other.dispose()
  })
})
