import { expect, it } from 'vitest'
import { widenF16 } from '../tensor/half.js'
import { generator, randomTensor } from './random.js'

it('generator: equals mulberry32', () => {
  const next = generator(1)
  expect([next(), next(), next()]).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522])
})

it('randomTensor: has the requested type and range, and is the same for the same seed', () => {
  const shape = [50, 20]
  const inside = (data: ArrayLike<number>, low: number, high: number): boolean =>
    Array.from(data).every(v => v >= low && v < high)
  expect(inside(randomTensor(shape, { seed: 1 }).data, -1, 1)).toBe(true)
  expect(inside(randomTensor(shape, { seed: 1, range: [3, 5] }).data, 3, 5)).toBe(true)
  expect(inside(widenF16(randomTensor(shape, { seed: 1, dtype: 'f16', range: [3, 5] }).data), 3, 5.001)).toBe(true)
  expect(new Set(randomTensor(shape, { seed: 1, dtype: 'i32', range: [-2, 3] }).data)).toEqual(
    new Set([-2, -1, 0, 1, 2])
  )
  expect(new Set(randomTensor(shape, { seed: 1, dtype: 'bool' }).data)).toEqual(new Set([0, 1]))
  expect(randomTensor(shape, { seed: 7 })).toEqual(randomTensor(shape, { seed: 7 }))
  expect(randomTensor(shape, { seed: 7 })).not.toEqual(randomTensor(shape, { seed: 8 }))
})
