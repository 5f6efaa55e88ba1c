import { describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '../data/scenes/scene.js'
import { initialParams } from '../init.js'
import { largestRegion, middleOf } from '../prompts/middle.js'
import { testRun } from '../recipes.js'
import { evaluate } from './evaluate.js'

const plane = (rows: readonly string[]) => ({ width: rows[0].length, height: rows.length, data: Uint8Array.from(rows.join(''), c => c === '#' ? 1 : 0) })

describe('where an evaluation clicks', () => {
  const mask = plane(['##.....', '.......', '..#####', '..#####', '..#####', '..#####', '..#####'])
  it('is the largest connected region', () => {
    const region = largestRegion(mask)!
    expect([region.data[0], region.data[2 * 7 + 2]]).toEqual([0, 1])
    expect(largestRegion(plane(['...']))).toBeUndefined()
  })
  it('is its pixel furthest from any border', () => expect(middleOf(largestRegion(mask)!)).toEqual([4, 4]))
  it('is never outside a thin mask', () => expect(middleOf(plane(['....', '.##.', '....']))[1]).toBe(1))
})

it('evaluates: as many objects as asked, every number between 0 and 1, more clicks than none', async () => {
  const { config } = testRun
  const found = await evaluate({
    config, backend: referenceBackend(), params: initialParams(config, 1), data: scenes({ size: 64, seed: 9 }), samples: 2, objects: 4, clicks: 2
  })
  expect(found.objects).toBeGreaterThanOrEqual(4)
  expect(found.clicks).toHaveLength(2)
  for (const v of [...found.clicks, found.oracle, found.box, found.boxOracle, ...Object.values(found.recall)]) expect(v >= 0 && v <= 1).toBe(true)
  expect(found.oracle).toBeGreaterThanOrEqual(found.clicks[0])
  expect(found.clicksTo85).toBeLessThanOrEqual(2)
})
