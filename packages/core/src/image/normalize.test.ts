import { describe, expect, it } from 'vitest'
import { readFixture } from '../../test/fixture.js'
import { normalizeImage } from './normalize.js'

describe('normalizeImage', () => {
  it("matches Meta's preprocess within 1e-6", () => {
    const io = readFixture('tiny-io')
    const { shape, data } = normalizeImage({ width: 128, height: 85, data: io.u8('resized').data }, 128)
    const expected = io.f32('input')
    expect(shape).toEqual(expected.shape)
    expect(data.reduce((worst, v, i) => Math.max(worst, Math.abs(v - expected.data[i])), 0)).toBeLessThan(1e-6)
  })

  it('pads with zeros on the right and bottom', () => {
    const { data } = normalizeImage({ width: 1, height: 1, data: new Uint8Array([255, 255, 255]) }, 2)
    expect([...data].map(v => v !== 0)).toEqual([
      true,
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      true,
      false,
      false,
      false
    ])
  })

  it('refuses an image that does not fit', () => {
    expect(() => normalizeImage({ width: 3, height: 1, data: new Uint8Array(9) }, 2)).toThrow(
      expect.objectContaining({ code: 'E_BAD_IMAGE' })
    )
  })
})
