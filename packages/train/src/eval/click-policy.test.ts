import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { nextClick, squaredDistances } from './click-policy.js'

const grid = (...rows: string[]) => ({
  width: rows[0].length,
  height: rows.length,
  data: Uint8Array.from(rows.join(''), c => +(c === '#'))
})

it('squaredDistances: equals the minimum over all pixels outside', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }).chain(width =>
        fc.record({
          width: fc.constant(width),
          data: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: width, maxLength: 12 * width })
        })
      ),
      ({ width, data: values }) => {
        const height = Math.floor(values.length / width)
        const data = Uint8Array.from({ length: width * height }, (_, i) => +(values[i] > 0))
        const expected = Array.from(data, (inside, i) => {
          if (!inside) return 0
          let least = Infinity
          for (let y = -1; y <= height; y++)
            for (let x = -1; x <= width; x++)
              if (x < 0 || y < 0 || x >= width || y >= height || !data[y * width + x])
                least = Math.min(least, (x - (i % width)) ** 2 + (y - Math.floor(i / width)) ** 2)
          return least
        })
        expect([...squaredDistances({ width, height, data })]).toEqual(expected)
      }
    ),
    { numRuns: 100 }
  ))

describe('nextClick', () => {
  const truth = grid('.....', '.###.', '.###.', '.###.', '.....')

  it('starts at the centre of the object', () => expect(nextClick(truth)).toEqual({ x: 2, y: 2, label: 'foreground' }))

  it('selects the deepest false negative', () =>
    expect(nextClick(truth, grid('.....', '.#...', '.....', '.....', '.....').data)).toEqual({
      x: 2,
      y: 2,
      label: 'foreground'
    }))

  it('selects the deepest false positive where it is deeper', () =>
    expect(
      nextClick(grid('#........', '.........', '.........'), grid('....#####', '....#####', '....#####').data)
    ).toEqual({ x: 5, y: 1, label: 'background' }))

  it('compares false negatives and false positives separately, where together they are one region', () => {
    // The union of both errors is deepest at (3, 1), where they meet.
    const [left, right] = [grid('###....', '###....', '###....'), grid('...####', '...####', '...####')]
    expect(nextClick(left, right.data)).toEqual({ x: 1, y: 1, label: 'foreground' })
    expect(nextClick(right, left.data)).toEqual({ x: 4, y: 1, label: 'foreground' })
  })

  it('prefers false negatives, then the first pixel in row order', () => {
    expect(nextClick(grid('.#.#'), grid('#...').data)).toEqual({ x: 1, y: 0, label: 'foreground' })
    expect(nextClick(grid('....', '####', '####', '....'))).toMatchObject({ x: 0, y: 1 })
  })

  it('returns undefined where there is no error', () => expect(nextClick(truth, truth.data)).toBeUndefined())
})
