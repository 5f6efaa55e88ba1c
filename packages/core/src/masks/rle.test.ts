import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SamError } from '../errors.js'
import { bitmapBox, toXywh } from './box.js'
import { compressRle, decodeRle, encodeRle, runsOfRle, type CocoRle, type Rle } from './rle.js'
import { runsOfBitmap } from './runs.js'

interface Golden {
  name: string
  size: [number, number]
  counts: number[]
  packed: string
  area: number
  bbox: number[]
}
const { cases } = JSON.parse(readFileSync(new URL('../../../../fixtures/rle.json', import.meta.url), 'utf8')) as {
  cases: Golden[]
}

const code = (rle: unknown) => {
  try {
    decodeRle(rle as Rle)
  } catch (error) {
    return SamError.is(error) ? error.code : error
  }
  return 'accepted'
}

describe('RLE', () => {
  it.each(cases)('equals pycocotools: $name', ({ size, counts, packed, area, bbox }) => {
    const bitmap = decodeRle({ size, counts: packed })
    expect(Buffer.compare(bitmap.data, decodeRle({ size, counts }).data)).toBe(0)
    expect(bitmap.data.reduce((a, b) => a + b, 0)).toBe(area)
    expect(toXywh(bitmapBox(bitmap))).toEqual(bbox)
    expect(encodeRle(bitmap)).toEqual({ size, counts })
    expect(compressRle({ size, counts })).toEqual({ size, counts: packed })
  })

  it('restores the bitmap', () => {
    const bitmap = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        data: fc.uint8Array({ max: 1, minLength: width * height, maxLength: width * height })
      })
    )
    fc.assert(
      fc.property(bitmap, b => {
        expect(decodeRle(encodeRle(b))).toEqual(b)
        expect(decodeRle(compressRle(encodeRle(b)))).toEqual(b)
        const { size, counts } = encodeRle(b)
        const runs = { width: b.width, height: b.height, inside: runsOfBitmap(b) }
        expect(runsOfRle({ size, counts })).toEqual(runs)
        // Counts may be 0 anywhere.
        for (const at of [0, counts.length])
          expect(runsOfRle({ size, counts: [...counts.slice(0, at), 0, 0, ...counts.slice(at)] })).toEqual(runs)
      })
    )
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a string', 'abc'],
    ['no size', { counts: [4] }],
    ['a short size', { size: [4], counts: [4] }],
    ['size 0', { size: [0, 4], counts: [] }],
    ['a negative size', { size: [-2, -2], counts: [4] }],
    ['NaN', { size: [NaN, 2], counts: [4] }],
    ['a size past the limit', { size: [2 ** 20, 2 ** 20], counts: [2 ** 40] }],
    ['a string as size', { size: ['2', 2], counts: [4] }],
    ['no counts', { size: [2, 2] }],
    ['empty counts', { size: [2, 2], counts: [] }],
    ['counts that end early', { size: [2, 2], counts: [1, 2] }],
    ['counts that run over', { size: [2, 2], counts: [1, 2 ** 50] }],
    ['a negative count', { size: [2, 2], counts: [5, -1] }],
    ['a broken count', { size: [2, 2], counts: [1.5, 2.5] }],
    ['text among the counts', { size: [2, 2], counts: ['4'] }],
    ['an empty string', { size: [2, 2], counts: '' }],
    ['a character below the code', { size: [2, 2], counts: '4 ' }],
    ['a character above the code', { size: [2, 2], counts: '4\u{1F431}' }],
    ['a number cut off', { size: [2, 2], counts: 'P' }],
    ['a number without end', { size: [2, 2], counts: 'o'.repeat(100) + '0' }],
    ['a negative packed count', { size: [2, 2], counts: '5O' }],
    ['a packed sum past the size', { size: [2, 2], counts: '5' }]
  ])('rejects %s', (_, rle) => expect(code(rle)).toBe('E_BAD_PROMPT'))

  it('decodes any text to a bitmap or throws a typed error', () => {
    const text = fc
      .array(fc.integer({ min: 40, max: 120 }), { maxLength: 8 })
      .map(codes => String.fromCharCode(...codes))
    const side = fc.integer({ min: 1, max: 8 })
    fc.assert(
      fc.property(fc.tuple(side, side), text, (size, counts) => {
        expect(['accepted', 'E_BAD_PROMPT']).toContain(code({ size, counts } satisfies CocoRle))
      }),
      { numRuns: 1000 }
    )
  })
})
