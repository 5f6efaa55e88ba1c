import { describe, expect, it } from 'vitest'
import { f32, full, tensor } from './tensor.js'

describe('tensor', () => {
  it('uses a typed array as is and converts a list', () => {
    const data = new Float32Array([1, 2])
    expect(f32([2], data).data).toBe(data)
    expect(tensor('i32', [2], [1.9, -1.9]).data).toEqual(new Int32Array([1, -1]))
    expect(tensor('bool', [2], [1, 0]).data).toBeInstanceOf(Uint8Array)
    expect(full('f32', [2, 2], 7)).toEqual({ dtype: 'f32', shape: [2, 2], data: new Float32Array([7, 7, 7, 7]) })
  })

  it('rejects data of another length', () => {
    expect(() => f32([2, 3], [1, 2])).toThrow('tensor: [2,3] must have 6 elements, found 2')
  })
})
