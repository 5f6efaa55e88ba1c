import { describe, expect, it } from 'vitest'
import { GraphError } from '../errors.js'
import { broadcastShapes, formatShape, normalizeAxis, sameShape, sizeOf, stridesOf } from './shape.js'

describe('shapes', () => {
  it('computes sizes and strides, also of scalars', () => {
    expect([sizeOf([]), sizeOf([5]), sizeOf([2, 3, 4]), sizeOf([2, 0])]).toEqual([1, 5, 24, 0])
    expect([stridesOf([]), stridesOf([5]), stridesOf([2, 3, 4])]).toEqual([[], [1], [12, 4, 1]])
  })

  it('compares and prints', () => {
    expect([sameShape([], []), sameShape([1], []), sameShape([2, 3], [2, 3]), sameShape([2, 3], [3, 2])]).toEqual([
      true,
      false,
      true,
      false
    ])
    expect([formatShape([]), formatShape([1, 64, 64])]).toEqual(['[]', '[1,64,64]'])
  })

  it('broadcasts as NumPy does', () => {
    expect(broadcastShapes([], [])).toEqual([])
    expect(broadcastShapes([3], [])).toEqual([3])
    expect(broadcastShapes([5, 1], [1, 7])).toEqual([5, 7])
    expect(broadcastShapes([2, 1, 4], [3, 1])).toEqual([2, 3, 4])
    expect(broadcastShapes([2, 3], [2])).toBeUndefined()
  })

  it('counts negative axes from the end and rejects others', () => {
    expect([normalizeAxis(0, 3, 'op'), normalizeAxis(-1, 3, 'op'), normalizeAxis(-3, 3, 'op')]).toEqual([0, 2, 0])
    for (const axis of [3, -4, 0.5, NaN]) expect(() => normalizeAxis(axis, 3, 'op')).toThrow(GraphError)
    expect(() => normalizeAxis(0, 0, 'softmax')).toThrow('softmax: axis must be within rank 0, found 0')
  })
})
