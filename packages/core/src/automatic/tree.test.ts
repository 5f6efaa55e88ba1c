import { expect, it } from 'vitest'
import { Mask } from '../masks/mask.js'
import { maskTree, type MaskNode } from './tree.js'

type Named = { name: string; mask: Mask; point?: { x: number; y: number }; tokenIndex?: number }

/** A box of a photo of 40 × 40 as a mask. */
const box = (name: string, [x0, y0, x1, y1]: readonly number[], from: Partial<Named> = {}): Named => ({
  name,
  mask: Mask.fromPolygons(
    [
      [
        [
          [x0, y0],
          [x1, y0],
          [x1, y1],
          [x0, y1],
          [x0, y0]
        ]
      ]
    ],
    { width: 40, height: 40 }
  ),
  ...from
})
const drawn = (nodes: readonly MaskNode<Named>[]): unknown[] =>
  nodes.map(({ item, level, children }) => [`${level} ${item.name}`, ...drawn(children)])

it('maskTree: gives each mask the smallest mask that contains it as parent', () => {
  const wheel = box('wheel', [4, 14, 10, 20])
  const items = [wheel, box('hub', [6, 16, 8, 18]), box('bolt', [6, 16, 7, 17]), box('tree', [30, 0, 40, 20])]
  expect(drawn(maskTree([...items, box('car', [0, 0, 20, 20])]))).toEqual([
    ['whole car', ['part wheel', ['subpart hub', ['subpart bolt']]]],
    ['whole tree']
  ])
  expect(maskTree([])).toEqual([])
})

it('maskTree: accepts a looser fit for masks of one point', () => {
  const point = { x: 5, y: 5 }
  const [car, door] = [
    [0, 0, 20, 10],
    [15, 0, 21, 10]
  ]
  const roots = (...tokens: (number | undefined)[]): number =>
    maskTree([car, door].map((b, i) => box('', b, { ...(tokens[i] ? { point, tokenIndex: tokens[i] } : {}) }))).length
  // 5/6 of the door lie in the car.
  expect(roots(3, 1)).toBe(1)
  expect(roots(3, 3)).toBe(2)
  expect(roots(3, undefined)).toBe(2)
  expect(roots(undefined, undefined)).toBe(2)
})

it('maskTree: takes the earlier of two equal masks as the parent, and leaves empty masks alone', () => {
  const [a, b, none] = [box('a', [0, 0, 9, 9]), box('b', [0, 0, 9, 9]), box('none', [0, 0, 0, 0])]
  expect(drawn(maskTree([a, none, b]))).toEqual([['whole a', ['part b']], ['whole none']])
})
