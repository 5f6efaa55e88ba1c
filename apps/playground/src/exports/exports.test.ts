import { decodeImage, Mask } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { coco } from './coco.js'
import { cutOut } from './png.js'
import { svg } from './svg.js'

const size = { width: 5, height: 4 }
const mask = (rows: readonly string[]): Mask =>
  Mask.fromBitmap({ ...size, data: Uint8Array.from(rows.join(''), Number) })
const square = mask(['00000', '01110', '01010', '01110'])
const empty = mask(['00000', '00000', '00000', '00000'])
const object = { name: 'a <b> & "c"\u0000', color: 'rgb(1 2 3)', mask: square }

describe('coco', () => {
  it('writes the image, one category per name, and RLE that decodes to the mask', () => {
    const file = JSON.parse(coco([object, { ...object, name: 'other' }, object], { file: 'p.jpg', ...size })) as {
      images: unknown
      categories: { id: number }[]
      annotations: {
        category_id: number
        area: number
        bbox: number[]
        segmentation: { size: [number, number]; counts: string }
      }[]
    }
    expect(file.images).toEqual([{ id: 1, file_name: 'p.jpg', width: 5, height: 4 }])
    expect(file.annotations.map(a => a.category_id)).toEqual([1, 2, 1])
    expect(file.annotations[0]).toMatchObject({ id: 1, image_id: 1, area: 8, bbox: [1, 1, 3, 3], iscrowd: 0 })
    expect(Mask.fromRle(file.annotations[0].segmentation).bitmap()).toEqual(square.bitmap())
  })
})

describe('svg', () => {
  it('writes one even-odd path per object, holes as rings, and escapes names', () => {
    expect(svg([object], size)).toBe(
      [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 5 4" width="5" height="4">',
        '  <path fill="rgb(1 2 3)" fill-rule="evenodd" d="M4 1L4 4L1 4L1 1ZM3 3L3 2L2 2L2 3Z"><title>a &lt;b&gt; &amp; &quot;c&quot;</title></path>',
        '</svg>',
        ''
      ].join('\n')
    )
  })
})

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
