import { describe, expect, it } from 'vitest'
import { denseView, isDense, joinedStride, reshaped, walk, type View } from './view.js'

const view = (shape: number[], strides: number[], offset = 0): View => ({
  buffer: { id: 0, type: 'f32', length: 1000 },
  shape,
  strides,
  offset
})
const ofSize = (length: number): View['buffer'] => ({ id: 0, type: 'f32', length })

describe('views', () => {
  it('isDense: is true for full buffers in row-major order', () => {
    expect(isDense(denseView(ofSize(24), [2, 3, 4]))).toBe(true)
    expect(isDense({ ...denseView(ofSize(24), [2, 3, 4]), offset: 4 })).toBe(false)
    expect(isDense(denseView(ofSize(25), [2, 3, 4]))).toBe(false)
    expect(isDense({ ...denseView(ofSize(6), [2, 1, 3]), strides: [3, 99, 1] })).toBe(true)
  })

  it('reshaped: splits and joins axes if strides allow it', () => {
    expect(reshaped(view([2, 12], [12, 1]), [2, 3, 4])?.strides).toEqual([12, 4, 1])
    expect(reshaped(view([6, 4], [1, 6]), [2, 3, 4])?.strides).toEqual([3, 1, 6])
    expect(reshaped(view([6, 4], [1, 6]), [24])).toBeUndefined()
    expect(reshaped(view([5, 4], [0, 0]), [2, 10])?.strides).toEqual([0, 0])
    expect(reshaped(view([1, 4], [9, 2]), [4, 1, 1])?.strides).toEqual([2, 0, 0])
  })

  it('joins axes that several views have in common', () => {
    expect(walk([view([2, 3, 4], [12, 4, 1])])).toEqual({ sizes: [24], strides: [[1]] })
    expect(walk([view([2, 3, 4], [12, 4, 1]), view([2, 3, 4], [0, 0, 1])])).toEqual({
      sizes: [6, 4],
      strides: [
        [4, 1],
        [0, 1]
      ]
    })
    expect(joinedStride(view([2, 3, 4], [12, 4, 1]), 2)).toBe(4)
    expect(joinedStride(view([2, 3, 4], [100, 4, 1]), 2)).toBeUndefined()
  })
})
