import { describe, expect, it } from 'vitest'
import { hashFill, hashWeights } from './hash-fill.js'
import { openWeights } from './open.js'

describe('hashFill', () => {
  it('equals the weights PyTorch computed with the same hash, bit for bit', async () => {
    const fixture = await openWeights(new URL('../../../../fixtures/tiny-checkpoint.safetensors', import.meta.url))
    const filled = hashWeights(
      fixture.names.map(name => fixture.info(name)),
      2023
    )
    expect(filled.names).toEqual(fixture.names)
    for (const name of fixture.names)
      expect(Buffer.compare(await filled.bytes(name), await fixture.bytes(name)), name).toBe(0)
    await fixture.close()
  })

  it('depends on seed and name', () => {
    const a = hashFill({ name: 'a.bias', shape: [4] }, 1)
    expect(a).toEqual(hashFill({ name: 'a.bias', shape: [4] }, 1))
    expect(a).not.toEqual(hashFill({ name: 'a.bias', shape: [4] }, 2))
    expect(a).not.toEqual(hashFill({ name: 'b.bias', shape: [4] }, 1))
    expect(hashFill({ name: 'logit_scale', shape: [] }, 1)).toEqual(Float32Array.of(Math.log(1 / 0.07)))
  })
})
