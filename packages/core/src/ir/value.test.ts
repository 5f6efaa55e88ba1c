import { describe, expect, it } from 'vitest'
import { add } from '../ops/build.js'
import { f32 } from '../tensor/tensor.js'
import { constant, describe as shown, input, nameOf, param } from './value.js'

describe('values', () => {
  it('are frozen, including shape, inputs and attributes', () => {
    const y = add(input('x', [2]), param('p', [2]))
    for (const part of [y, y.inputs, y.attrs, y.shape]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('have a name if they are inputs or params, and print with it', () => {
    const [x, p, c] = [input('x', [2], 'i32'), param('a.weight', [3, 4]), constant(f32([], [1]))]
    expect([x, p, c].map(nameOf)).toEqual(['x', 'a.weight', undefined])
    expect([x, p, c, add(p, 1)].map(shown)).toEqual([
      'i32[2] (x)',
      'f32[3,4] (a.weight)',
      'f32[] (constant)',
      'f32[3,4] (add)'
    ])
  })
})
