import { describe, expect, it } from 'vitest'
import { match, WeightsMismatchError } from './match.js'
import { memoryWeights } from './source.js'
import { SamError } from '../errors.js'
import { full } from '../tensor/tensor.js'

const source = memoryWeights(
  { a: full('f32', [2, 3], 0), b: full('f32', [4], 0), extra: full('f32', [1], 0) },
  'file.pth'
)
const ok = [
  { name: 'a', shape: [2, 3] },
  { name: 'b', shape: [4] }
]

const errorOf = (run: () => void): WeightsMismatchError => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsMismatchError)
    return error as WeightsMismatchError
  }
  throw new Error('did not throw')
}

describe('match', () => {
  it('accepts a fitting checkpoint, and extra names where they are allowed', () => {
    match([...ok, { name: 'extra', shape: [1] }], source)
    match(ok, source, {
      allowUnexpected: true,
      guess: () => {
        throw new Error('nothing to guess')
      }
    })
    match(ok, source, { allowUnexpected: name => name === 'extra' })
  })

  it('reports every problem at once', () => {
    const wanted = [
      { name: 'a', shape: [3, 2] },
      { name: 'b', shape: [4] },
      { name: 'c', shape: [] }
    ]
    const error = errorOf(() => match(wanted, source, { guess: () => 'vit_h' }))
    expect(SamError.is(error) && error.code).toBe('E_WEIGHTS_MISMATCH')
    expect(error.message).toMatchInlineSnapshot(`
      "file.pth: the checkpoint does not fit the model (3 tensors wanted, 3 found)
        missing: 1
          c
        unexpected: 1
          extra
        wrong shape: 1
          a: wanted [3,2], found [2,3]
      The file looks like vit_h; load it as that model."
    `)
    expect(error).toMatchObject({
      missing: ['c'],
      unexpected: ['extra'],
      misshapen: [{ name: 'a', wanted: [3, 2], found: [2, 3] }]
    })
  })

  it('shows the first ten and keeps all', () => {
    const error = errorOf(() =>
      match(
        Array.from({ length: 25 }, (_, i) => ({ name: `w${i}`, shape: [] })),
        source,
        { allowUnexpected: true }
      )
    )
    expect(error.message).toContain('w9\n    … and 15 more')
    expect(error.message).not.toContain('w10')
    expect(error.missing).toHaveLength(25)
    expect(error.unexpected).toEqual([])
  })
})
