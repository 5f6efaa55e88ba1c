import { Mask } from '@sam/core'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { cutOut } from './cut-out.js'

const size = { width: 5, height: 4 }
const mask = (...rows: readonly string[]): Mask =>
  Mask.fromBitmap({ ...size, data: Uint8Array.from(rows.join(''), Number) })
const square = mask('00000', '01110', '01010', '01110')
const data = Uint8ClampedArray.from({ length: 80 }, (_, i) => (i % 4 === 3 ? 255 : i))
const read = async (png: Uint8Array) => {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true })
  return { data, size: [info.width, info.height, info.channels] }
}

describe('cutOut', () => {
  it('crops to the object, is transparent around it, and keeps its colours', async () => {
    const { data: found, size: foundSize } = await read(await cutOut({ ...size, data }, [square]))
    expect(foundSize).toEqual([3, 3, 4])
    expect([...found.subarray(0, 4)]).toEqual([...data.subarray(24, 28)])
    expect([...found.subarray(16, 20)]).toEqual([0, 0, 0, 0])
  })

  it('crops to the union of several masks', async () => {
    const corner = mask('10000', '00000', '00000', '00000')
    expect((await read(await cutOut({ ...size, data }, [square, corner]))).size).toEqual([4, 4, 4])
  })

  it('fades over the edge with feather, and keeps the transparency of the picture', async () => {
    const side = 40
    const half = new Uint8ClampedArray(side * side * 4).fill(128)
    const disc = Mask.fromPolygons(
      [
        [
          [
            [10, 10],
            [30, 10],
            [30, 30],
            [10, 30],
            [10, 10]
          ]
        ]
      ],
      { width: side, height: side }
    )
    const {
      data: found,
      size: [width]
    } = await read(await cutOut({ width: side, height: side, data: half }, [disc], { feather: 4 }))
    const alphaAt = (x: number): number => found[((width >> 1) * width + x) * 4 + 3]
    const row = Array.from({ length: width >> 1 }, (_, x) => alphaAt(x))
    expect(width).toBe(36)
    expect([...row].sort((a, b) => a - b)).toEqual(row)
    expect(new Set(row).size).toBeGreaterThan(4)
    expect(row.at(-1)).toBe(128)
  })
})
