import { describe, expect, it } from 'vitest'
import { readFixture } from '../../test/fixture.js'
import { longestSideSize, resizeImage } from './resize.js'

describe('resizeImage', () => {
  it('equals Pillow to the byte on the photo of the reference', () => {
    const io = readFixture('tiny-io')
    const image = { width: 150, height: 100, data: io.u8('image').data }
    const size = longestSideSize(image, 128)
    expect(size).toEqual({ width: 128, height: 85 })
    expect(differences(resizeImage(image, size).data, io.u8('resized').data)).toBe(0)
  })

  const cases = readFixture('resize')
  it.each(Array.from({ length: 15 }, (_, n) => n))('equals Pillow to the byte on odd sizes, case %i', n => {
    const [from, to] = [cases.u8(`${n}/in`), cases.u8(`${n}/out`)]
    const [height, width] = from.shape as [number, number]
    const [toHeight, toWidth] = to.shape as [number, number]
    expect(
      differences(resizeImage({ width, height, data: from.data }, { width: toWidth, height: toHeight }).data, to.data)
    ).toBe(0)
  })
})

describe('longestSideSize', () => {
  it('rounds halves up as Meta does and never gives an empty side', () => {
    expect(longestSideSize({ width: 1800, height: 1200 }, 1024)).toEqual({ width: 1024, height: 683 })
    expect(longestSideSize({ width: 3, height: 2048 }, 1024)).toEqual({ width: 2, height: 1024 })
    expect(longestSideSize({ width: 1, height: 100_000 }, 1024)).toEqual({ width: 1, height: 1024 })
    expect(longestSideSize({ width: 1, height: 1 }, 1024)).toEqual({ width: 1024, height: 1024 })
  })
})

function differences(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((n, v, i) => n + (v === b[i] ? 0 : 1), 0)
}
