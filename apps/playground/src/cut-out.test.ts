import { decodeImage, Mask } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { cutOut } from './cut-out.js'

const size = { width: 5, height: 4 }
const mask = (rows: readonly string[]): Mask =>
  Mask.fromBitmap({ ...size, data: Uint8Array.from(rows.join(''), Number) })
const square = mask(['00000', '01110', '01010', '01110'])
const empty = mask(['00000', '00000', '00000', '00000'])

describe('cutOut', () => {
  const data = Uint8ClampedArray.from({ length: 80 }, (_, i) => (i % 4 === 3 ? 255 : i))

  it('crops to the object, is transparent around it, and keeps its colours', async () => {
    const { default: sharp } = await import('sharp')
    const { data: found, info } = await sharp(await cutOut({ width: 5, data }, [square]))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([info.width, info.height, info.channels]).toEqual([3, 3, 4])
    expect([...found.subarray(0, 4)]).toEqual([...data.subarray(24, 28)])
    expect([...found.subarray(16, 20)]).toEqual([0, 0, 0, 0])
  })

  it('returns one transparent pixel for an empty mask', async () => {
    expect(await decodeImage((await cutOut({ width: 5, data }, [empty])) as Uint8Array<ArrayBuffer>)).toMatchObject({
      width: 1,
      height: 1
    })
  })
})
