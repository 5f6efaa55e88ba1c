import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SamError } from '../errors.js'
import { toRgbImage, type ImageLimits, type PixelSource } from './image.js'

const rgb = (source: PixelSource) => [...toRgbImage(source).data]
const code = (source: unknown, limits?: ImageLimits) => {
  try {
    toRgbImage(source as PixelSource, limits)
  } catch (error) {
    return SamError.is(error) ? error.code : error
  }
  return 'accepted'
}

describe('toRgbImage', () => {
  it('takes 1, 2, 3 and 4 channels; alpha is dropped and the colour under it kept', () => {
    expect(rgb({ width: 2, height: 1, data: new Uint8Array([7, 9]) })).toEqual([7, 7, 7, 9, 9, 9])
    expect(rgb({ width: 2, height: 1, data: new Uint8Array([7, 0, 9, 255]) })).toEqual([7, 7, 7, 9, 9, 9])
    expect(rgb({ width: 1, height: 1, data: new Uint8ClampedArray([1, 2, 3]) })).toEqual([1, 2, 3])
    expect(rgb({ width: 1, height: 1, data: new Uint8ClampedArray([255, 2, 3, 0]) })).toEqual([255, 2, 3])
  })

  it('keeps the upper byte of 16 bits and scales floats', () => {
    expect(rgb({ width: 1, height: 1, data: new Uint16Array([40000, 255, 65535]) })).toEqual([156, 0, 255])
    expect(rgb({ width: 1, height: 1, data: new Float32Array([0, 0.5, 1]) })).toEqual([0, 128, 255])
  })

  it('reads padded rows, the last of which may be short', () => {
    expect(
      rgb({ width: 1, height: 2, channels: 3, stride: 5, data: new Uint8Array([1, 2, 3, 0, 0, 4, 5, 6]) })
    ).toEqual([1, 2, 3, 4, 5, 6])
    expect(rgb({ width: 1, height: 2, channels: 1, stride: 3, data: new Uint8Array([8, 0, 0, 9, 0, 0]) })).toEqual([
      8, 8, 8, 9, 9, 9
    ])
  })

  it('shares tight RGB bytes', () => {
    const data = new Uint8Array(6)
    expect(toRgbImage({ width: 1, height: 2, data }).data.buffer).toBe(data.buffer)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'cat.jpg'],
    ['no data', { width: 1, height: 1 }],
    ['0 × 0', { width: 0, height: 0, data: new Uint8Array(0) }],
    ['a negative side', { width: -1, height: -1, data: new Uint8Array(3) }],
    ['half a pixel', { width: 1.5, height: 2, data: new Uint8Array(9) }],
    ['NaN as width', { width: NaN, height: 1, data: new Uint8Array(3) }],
    ['a string as width', { width: '1', height: 1, data: new Uint8Array(3) }],
    ['too little data', { width: 2, height: 2, data: new Uint8Array(11) }],
    ['too much data', { width: 2, height: 2, channels: 3, data: new Uint8Array(13) }],
    ['five channels', { width: 1, height: 1, data: new Uint8Array(5) }],
    ['channels that disagree', { width: 1, height: 1, channels: 4, data: new Uint8Array(3) }],
    ['channels of a wrong kind', { width: 1, height: 1, channels: 'rgb', data: new Uint8Array(3) }],
    ['a stride under the row', { width: 2, height: 2, channels: 3, stride: 5, data: new Uint8Array(12) }],
    ['a stride past the data', { width: 1, height: 3, channels: 1, stride: 2 ** 40, data: new Uint8Array(12) }],
    ['a plain array', { width: 1, height: 1, data: [1, 2, 3] }],
    ['a NaN float', { width: 1, height: 1, data: new Float32Array([0, NaN, 0]) }],
    ['an infinite float', { width: 1, height: 1, data: new Float32Array([0, Infinity, 0]) }],
    ['floats up to 255', { width: 1, height: 1, data: new Float32Array([0, 128, 255]) }]
  ])('refuses %s', (_, source) => expect(code(source)).toBe('E_BAD_IMAGE'))

  it('refuses a picture over the limit before touching its data', () => {
    expect(code({ width: 16_384, height: 16_384, data: new Uint8Array(3) })).toBe('E_IMAGE_TOO_LARGE')
    expect(code({ width: 2 ** 52, height: 2 ** 52, data: new Uint8Array(3) })).toBe('E_IMAGE_TOO_LARGE')
    expect(code({ width: 10, height: 10, data: new Uint8Array(300) }, { maxPixels: 99 })).toBe('E_IMAGE_TOO_LARGE')
    expect(code({ width: 10, height: 10, data: new Uint8Array(300) }, { maxPixels: 100 })).toBe('accepted')
  })

  it('answers any nonsense with an image or a typed error', () => {
    const side = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.double(), fc.anything())
    const data = fc.oneof(fc.uint8Array(), fc.uint16Array(), fc.float32Array(), fc.uint8ClampedArray(), fc.anything())
    const source = fc.record({
      width: side,
      height: side,
      data,
      channels: fc.oneof(fc.constant(undefined), side),
      stride: fc.oneof(fc.constant(undefined), side)
    })
    fc.assert(
      fc.property(source, s => {
        expect(['accepted', 'E_BAD_IMAGE', 'E_IMAGE_TOO_LARGE']).toContain(code(s))
      }),
      { numRuns: 2000 }
    )
  })
})
