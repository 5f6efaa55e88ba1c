import { expect, it } from 'vitest'
import { labelMap } from './label-map.js'
import { Mask } from './mask.js'

const row = (text: string): Mask =>
  Mask.fromBitmap({ width: text.length, height: 1, data: Uint8Array.from(text, c => Number(c === '#')) })

it('labelMap: gives each pixel to the first or the smallest mask', () => {
  const masks = [row('.####.'), row('..#...'), row('#.....')]
  expect([...labelMap(masks).data]).toEqual([3, 1, 1, 1, 1, 0])
  expect(labelMap(masks, { prefer: 'smallest' })).toEqual({
    width: 6,
    height: 1,
    data: Uint16Array.of(3, 1, 2, 1, 1, 0)
  })
})

it('labelMap: rejects no masks, masks of several photos, and unknown options', () => {
  for (const call of [
    () => labelMap([]),
    () => labelMap([row('#'), row('##')]),
    () => labelMap([row('#')], { prefer: 'last' as never }),
    () => labelMap([row('#')], { preferred: 'first' } as never)
  ])
    expect(call).toThrow(expect.objectContaining({ code: 'E_BAD_OPTION' }))
})
