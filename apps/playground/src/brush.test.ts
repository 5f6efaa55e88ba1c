import { describe, expect, it } from 'vitest'
import { paintStrokes } from './brush.js'

const blank = { width: 6, height: 3, data: new Uint8Array(18) }
const rows = ({ data }: { data: Uint8Array }): string[] => [0, 6, 12].map(at => data.slice(at, at + 6).join(''))

describe('paintStrokes', () => {
  it('sets the pixels whose centres lie within the brush, along the line', () => {
    expect(
      rows(
        paintStrokes(blank, [
          {
            radius: 0.6,
            erase: false,
            line: [
              [1.5, 1.5],
              [4.5, 1.5]
            ]
          }
        ])
      )
    ).toEqual(['000000', '011110', '000000'])
  })

  it('applies strokes in order, erasing included, and does not modify its input', () => {
    const full = { ...blank, data: new Uint8Array(18).fill(1) }
    const erased = paintStrokes(full, [
      { radius: 1.1, erase: true, line: [[2.5, 1.5]] },
      { radius: 0.4, erase: false, line: [[2.5, 1.5]] }
    ])
    expect(rows(erased)).toEqual(['110111', '101011', '110111'])
    expect(full.data.every(v => v === 1)).toBe(true)
  })

  it('clips strokes to the image', () => {
    expect(
      rows(
        paintStrokes(blank, [
          {
            radius: 1,
            erase: false,
            line: [
              [-5, -5],
              [0, 0]
            ]
          }
        ])
      )[0]
    ).toBe('100000')
  })
})
