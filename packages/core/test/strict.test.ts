import { describe, expect, it } from 'vitest'
import { loadSam, type LoadOptions } from '../src/index.js'
import { tinyTest } from '../src/sam/config.js'
import { referenceBackend } from '../src/testing.js'
import { full } from '../src/tensor/tensor.js'
import { memoryWeights, merged, renamed, type WeightSource } from '../src/weights/source.js'
import { openFixture } from './tiny-io.js'

const plain = await openFixture('tiny-checkpoint.safetensors')
const extra = memoryWeights({ 'hq.weight': full('f32', [3], 1), 'image_encoder.adapter': full('f32', [2], 1) })
const load = (weights: WeightSource, options: Partial<LoadOptions> = {}) =>
  loadSam(weights, { backend: referenceBackend(), model: tinyTest, ...options })

describe('loadSam: strict', () => {
  it('refuses a checkpoint with more tensors, and names strict: false where that is all', async () => {
    await expect(load(merged('x.pth', [plain, extra]))).rejects.toMatchObject({
      code: 'E_WEIGHTS_MISMATCH',
      unexpected: ['hq.weight', 'image_encoder.adapter'],
      message: expect.stringMatching(/hq\.weight[^]*strict: false \(--no-strict/) as unknown
    })
  })

  it('false: loads it, lists the extra tensors by name, and predicts the same', async () => {
    const [sam, exact] = [await load(merged('x.pth', [extra, plain]), { strict: false }), await load(plain)]
    expect(sam.unusedTensors).toEqual(['hq.weight', 'image_encoder.adapter'])
    expect(exact.unusedTensors).toEqual([])
    const picture = { width: 9, height: 7, data: Uint8Array.from({ length: 189 }, (_, i) => (i * 31) % 256) }
    const [one, other] = await Promise.all([sam, exact].map(async s => (await s.encode(picture)).embedding()))
    expect(one.data).toEqual(other.data)
    await Promise.all([sam.dispose(), exact.dispose()])
  })

  it('false: lists the extra tensors of a decoder alone, without those of the encoder that it has', async () => {
    const sam = await load(merged('x.pth', [extra, plain]), { strict: false, parts: 'decoder' })
    expect(sam.unusedTensors).toEqual(['hq.weight'])
    await sam.dispose()
  })

  it.each([true, false])(
    '%s: refuses a checkpoint with missing or misshapen tensors, and names no option',
    async strict => {
      const name = 'mask_decoder.iou_token.weight'
      const without = renamed(plain, old => (old === name ? undefined : old))
      for (const rest of [extra, memoryWeights({ [name]: full('f32', [1], 1) })]) {
        const error = await load(merged('x.pth', [without, rest]), { strict }).catch((e: unknown) => e as Error)
        expect(error).toMatchObject({ code: 'E_WEIGHTS_MISMATCH' })
        expect((error as Error).message).not.toContain('strict')
      }
    }
  )

  it('refuses a value that is not true or false', async () => {
    await expect(load(plain, { strict: 'no' as never })).rejects.toThrow('strict: must be true or false, found "no"')
  })
})

describe('loadSam', () => {
  it('takes the weights first, or among the options', async () => {
    const backend = referenceBackend()
    for (const sam of [
      await loadSam(plain, { backend, model: tinyTest }),
      await loadSam({ weights: plain, backend, model: tinyTest })
    ])
      await sam.dispose()
    await expect(loadSam('x.pth' as never)).rejects.toThrow(/backend/)
  })
})
