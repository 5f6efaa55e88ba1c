import { Mask } from '@sam/core'
import fc from 'fast-check'
import type { AnnotatedImage, AnnotatedObject } from '../src/index.js'

/** A mask from rows of characters: # is inside. */
export const maskOf = (...rows: string[]): Mask =>
  Mask.fromBitmap({
    width: rows[0].length,
    height: rows.length,
    data: Uint8Array.from(rows.join(''), c => (c === '#' ? 1 : 0))
  })

/** Holes, several parts, parts that touch at a corner, one pixel, the whole image, names with any characters. */
export const picture: AnnotatedImage = {
  id: '7',
  file: 'sub folder/Straße <"&\'> 猫.jpg',
  width: 9,
  height: 6,
  objects: [
    {
      id: '3',
      category: 'ring & <hole>',
      score: 0.25,
      mask: maskOf('#####....', '#...#....', '#.#.#....', '#...#....', '#####....', '.........')
    },
    {
      id: '1',
      category: 'Straße: 猫 "x"',
      score: 1,
      mask: maskOf('......##.', '......##.', '.....#..#', '......#..', '.........', '##.....##')
    },
    { id: '2', category: 'pixel', score: 0, mask: maskOf(...Array<string>(5).fill('.........'), '....#....') }
  ]
}

export const emptyPicture: AnnotatedImage = { id: '8', file: 'empty.png', width: 3, height: 2, objects: [] }

/** Random images: objects overlap, or not where `disjoint`. */
export const pictures = ({ disjoint = false } = {}): fc.Arbitrary<AnnotatedImage> =>
  fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 4 }))
    .chain(([width, height, count]) =>
      fc.record({
        id: fc.constant('1'),
        file: fc.constantFrom('a.jpg', 'sub/b c.png', '日本.webp'),
        width: fc.constant(width),
        height: fc.constant(height),
        objects: fc
          .tuple(
            fc.uint8Array({ max: disjoint ? 5 : 31, minLength: width * height, maxLength: width * height }),
            fc.array(names, { minLength: 4, maxLength: 4 })
          )
          .map(([pixels, names]) =>
            Array.from({ length: count }, (_, i): AnnotatedObject => {
              const data = pixels.map(value => ((disjoint ? value === i + 1 : (value >> i) & 1) ? 1 : 0))
              return { id: String(i + 1), category: names[i], mask: new Mask({ width, height, data }) }
            }).filter(({ mask }) => mask.area)
          )
      })
    )

const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter(text => text.trim() === text)
