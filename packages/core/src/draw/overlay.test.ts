import { describe, expect, it } from 'vitest'
import type { RgbImage } from '../image/image.js'
import { maskTree } from '../automatic/tree.js'
import { labelMap } from '../masks/label-map.js'
import { Mask } from '../masks/mask.js'
import { distinctColor } from './colors.js'
import { overlay } from './overlay.js'

const side = 100
const grey: RgbImage = { width: side, height: side, data: new Uint8Array(side * side * 3).fill(100) }
const square = (from: number, to: number) =>
  new Mask({
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side }, (_, i) =>
      [i % side, Math.floor(i / side)].every(v => v >= from && v < to) ? 1 : 0
    )
  })
const at = ({ data }: RgbImage, x: number, y: number) => [...data.subarray((y * side + x) * 3, (y * side + x) * 3 + 3)]
const near = (a: readonly number[], b: readonly number[]) => a.every((v, i) => Math.abs(v - b[i]) <= 12)

describe('overlay', () => {
  it('tints the inside, draws the edge in full colour with a halo, and does not change the rest or the photo', () => {
    const before = grey.data.slice()
    const out = overlay(grey, [square(20, 80)], { opacity: 0.5 })
    const color = distinctColor(0)
    expect(
      near(
        at(out, 50, 50),
        color.map(c => (c + 100) / 2)
      )
    ).toBe(true)
    expect(near(at(out, 20, 50), color)).toBe(true)
    expect(Math.min(...at(out, 18, 50))).toBeGreaterThan(105)
    expect(at(out, 5, 5)).toEqual([100, 100, 100])
    expect(grey.data).toEqual(before)
    const decoded = { ...grey, data: Buffer.from(grey.data) } // as from sharp: slice() on a Buffer shares memory
    overlay(decoded, [square(20, 80)])
    expect(decoded.data.equals(before)).toBe(true)
  })

  it('keeps small masks visible on large ones, in any order', () => {
    const [small, large] = [square(40, 60), square(10, 90)]
    const color = (i: number) =>
      [
        [255, 0, 0],
        [0, 0, 255]
      ][i] as [number, number, number]
    expect(at(overlay(grey, [small, large], { color }), 50, 50)[0]).toBeGreaterThan(120)
    expect(at(overlay(grey, [large, small], { color }), 50, 50)[2]).toBeGreaterThan(120)
  })

  it('fills each pixel of a label map once, with a border between labels', () => {
    const out = overlay(grey, labelMap([square(10, 90), square(40, 60)], { prefer: 'smallest' }), { opacity: 1 })
    expect([at(out, 20, 20), at(out, 50, 50)]).toEqual([distinctColor(0), distinctColor(1)])
    expect(Math.min(...at(out, 39, 50))).toBeGreaterThan(230)
    expect(at(out, 5, 5)).toEqual([100, 100, 100])
    expect(overlay(grey, { width: side, height: side, data: new Uint16Array(side * side) }).data).toEqual(grey.data)
  })

  it('draws the masks of a tree in the colour of their whole, parts lighter', () => {
    const masks = [square(5, 45), square(15, 35), square(20, 30), square(60, 90)]
    const color = (i: number) =>
      [
        [200, 0, 0],
        [0, 0, 200]
      ][i] as [number, number, number]
    const tree = maskTree(masks.map(mask => ({ mask })))
    const out = overlay(grey, tree, { color, opacity: 1 })
    expect([at(out, 10, 10), at(out, 75, 75)]).toEqual([
      [200, 0, 0],
      [0, 0, 200]
    ])
    const [part, subpart] = [at(out, 17, 25), at(out, 25, 25)]
    expect([part[0] > part[1], subpart[0] > subpart[1]]).toEqual([true, true])
    expect([part[1] > 50, subpart[1] > part[1] + 50]).toEqual([true, true])
  })

  it('draws points and boxes, also across the border of the photo', () => {
    const out = overlay(grey, [], {
      points: [
        { x: 30, y: 30 },
        { x: 70, y: 70, label: 'background' },
        { x: 0, y: 100 }
      ],
      boxes: [[50, 10, 190, 60]]
    })
    const [green, red] = [at(out, 25, 25), at(out, 65, 65)]
    expect(green[1]).toBeGreaterThan(green[0] + 50)
    expect(red[0]).toBeGreaterThan(red[1] + 50)
    expect(at(out, 30, 30)).toEqual([255, 255, 255])
    expect(at(out, 50, 35)).toEqual([255, 255, 255])
  })

  it('draws nothing for an empty mask and boxes that are not finite', () => {
    expect(overlay(grey, [square(0, 0)], { boxes: [[NaN, 0, 5, 5]] }).data).toEqual(grey.data)
  })

  it('rejects masks, trees and label maps of another size', () => {
    const other = new Mask({ width: 2, height: 2, data: new Uint8Array(4).fill(1) })
    const short = { width: side, height: side, data: new Uint16Array(4) }
    for (const masks of [[other], maskTree([{ mask: other }]), labelMap([other]), short])
      expect(() => overlay(grey, masks)).toThrow(expect.objectContaining({ code: 'E_BAD_IMAGE' }))
  })
})

describe('distinctColor', () => {
  it('starts with blue and returns distinct neighbours', () => {
    expect(distinctColor(0)).toEqual([31, 140, 250])
    for (let i = 0; i < 40; i++) {
      for (let k = 1; k < 4; k++) {
        const [a, b] = [distinctColor(i), distinctColor(i + k)]
        expect(Math.hypot(...a.map((v, c) => v - b[c]))).toBeGreaterThan(60)
      }
    }
  })
})
