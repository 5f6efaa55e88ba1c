import { expect, it } from 'vitest'
import { loadSam } from '@sam/core'
import { InputError, memoryWeights } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import type { Dataset } from '../data/dataset.js'
import { scenes } from '@sam/scenes'
import { writeNumber } from './digits.js'
import { initialParams } from '../pretrained/init.js'
import { testRun } from '../../test/test-recipe.js'
import { sheet } from './sheet.js'

it('writeNumber: draws digits', () => {
  const rows: string[] = []
  writeNumber(
    '0.7',
    (x, y, ink) => {
      rows[y] = (rows[y] ?? '') + (ink ? '#' : '.')
      expect(rows[y]).toHaveLength(x + 1)
    },
    1
  )
  expect(rows).toEqual([
    '.............',
    '.###.....###.',
    '.#.#.......#.',
    '.#.#.......#.',
    '.#.#......#..',
    '.###..#...#..',
    '.............'
  ])
})

it('sheet: draws a row per sample and skips unusable ones', async () => {
  const { config } = testRun
  const sam = await loadSam({
    weights: memoryWeights(initialParams(config, 1)),
    model: config,
    backend: referenceBackend()
  })
  const good = scenes({ size: 64, seed: 5, minArea: 60 })
  const data: Dataset = {
    size: 3,
    read: async i => (i === 1 ? Promise.reject(new InputError('E_BAD_IMAGE', 'truncated')) : good.read(i))
  }
  const picture = (await sheet(sam, data, { rows: 4, clicks: 2, side: 40 }))!
  expect([picture.width, picture.height]).toEqual([5 * 44 + 4, 2 * (44 + 24) + 4])
  const { image } = await good.read(0)
  expect(new Set(picture.data).size).toBeGreaterThan(20)
  expect(picture.data[3 * (6 * picture.width + 6)]).toBeGreaterThanOrEqual(Math.max(0, image.data[0] - 80))
  expect(await sheet(sam, { size: 2, read: () => data.read(1) })).toBeUndefined()
  await sam.dispose()
})
