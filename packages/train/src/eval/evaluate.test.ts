import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadSam, type Sam } from '@sam/core'
import { InputError, memoryWeights } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import type { Dataset, Sample } from '../data/dataset.js'
import { scenes } from '@sam/scenes'
import { initialParams } from '../pretrained/init.js'
import { testRun } from '../../test/test-recipe.js'
import { clickCurve } from './curve.js'
import { evaluate } from './evaluate.js'
import { iouOf } from './iou.js'
import { summary, type ObjectScore } from './summary.js'

const plane = (rows: readonly string[]) => ({
  width: rows[0].length,
  height: rows.length,
  data: Uint8Array.from(rows.join(''), c => (c === '#' ? 1 : 0))
})

it('iouOf: returns intersection over union, and 1 for two empty masks', () => {
  expect(iouOf(plane(['##..']).data, plane(['.##.']).data)).toBeCloseTo(1 / 3)
  expect(iouOf(plane(['..']).data, plane(['..']).data)).toBe(1)
})

describe('summary', () => {
  const object = (
    level: string | undefined,
    clicks: readonly number[],
    meant: readonly [string, boolean][]
  ): ObjectScore => ({
    image: 'photo.jpg',
    level,
    clicks,
    oracle: clicks[0] + 0.1,
    nearest: clicks[0],
    box: { predicted: 0.5, oracle: 0.6, single: 0.3 },
    meant: meant.map(([l, recalled]) => ({ level: l, recalled }))
  })
  const found = summary(
    [
      object(
        'whole',
        [0.4, 0.86],
        [
          ['whole', true],
          ['part', false]
        ]
      ),
      object(
        'part',
        [0.9, 0.8],
        [
          ['whole', true],
          ['part', true]
        ]
      ),
      object('whole', [0.2, 0.3], [['whole', false]])
    ],
    2
  )

  it('averages over all objects and by kind', () => {
    expect(found.clicks.map(v => v.toFixed(4))).toEqual(['0.5000', '0.6533'])
    expect(Object.keys(found.oneClick)).toEqual(['all', 'whole', 'part', 'unambiguous'])
    expect(found.oneClick.whole).toMatchObject({
      objects: 2,
      predicted: expect.closeTo(0.3),
      oracle: expect.closeTo(0.4)
    })
    expect(found.oneClick.unambiguous).toMatchObject({ objects: 1, predicted: 0.2 })
  })
  it('counts clicks until an IoU is reached, all of them if it never is', () => {
    expect(found.clicksTo['0.85']).toEqual({ clicks: (2 + 1 + 2) / 3, reached: 2 / 3 })
    expect(found.clicksTo['0.9']).toEqual({ clicks: (2 + 1 + 2) / 3, reached: 1 / 3 })
  })
  it('computes recall over ambiguous clicks alone', () => {
    expect(found.ambiguous).toEqual({
      clicks: 2,
      recall: { all: { objects: 4, share: 0.75 }, whole: { objects: 2, share: 1 }, part: { objects: 2, share: 0.5 } }
    })
  })
})

describe('evaluate', () => {
  let sam: Sam
  beforeAll(async () => {
    const { config } = testRun
    sam = await loadSam({
      weights: memoryWeights(initialParams(config, 1)),
      model: config,
      backend: referenceBackend()
    })
  })
  afterAll(() => sam.dispose())
  const data = scenes({ size: 64, seed: 9, minArea: 60 })

  it('evaluates the requested number of objects, with values between 0 and 1', async () => {
    const progress: number[] = []
    const found = await evaluate({ sam, data, objects: 5, clicks: 2, onProgress: n => progress.push(n) })
    expect([found.objects, found.clicks.length, progress.at(-1)]).toEqual([5, 2, 5])
    const { all } = found.oneClick
    for (const v of [
      ...found.clicks,
      found.nearest,
      found.box.predicted,
      found.box.oracle,
      found.box.single,
      all.oracle,
      ...Object.values(found.ambiguous.recall).map(r => r.share)
    ]) {
      expect(v >= 0 && v <= 1).toBe(true)
    }
    expect(all.predicted).toBe(found.clicks[0])
    expect(all.oracle).toBeGreaterThanOrEqual(all.predicted)
    expect(found.nearest).toBeGreaterThanOrEqual(all.predicted)
    expect(found.scores.map(score => score.clicks.length)).toEqual([2, 2, 2, 2, 2])
    expect(found.scores[0].image).toBe((await data.read(0)).name)
    expect(found.box.single).toBeCloseTo(found.scores.reduce((sum, { box }) => sum + box.single, 0) / 5)
    expect(clickCurve(found)).toContain('5 objects')
  })

  it('skips and counts unusable samples and masks', async () => {
    const good = await data.read(0)
    const { width, height } = good.image
    const samples: (Sample | undefined)[] = [
      undefined,
      { ...good, truths: [] },
      { ...good, truths: [{ mask: new Uint8Array(width * height) }, { mask: new Uint8Array(7).fill(1) }] },
      { ...good, image: { width, height, data: new Float32Array(3 * width * height).fill(NaN) as never } },
      { ...good, truths: [...good.truths.slice(0, 1), { mask: new Uint8Array(width * height) }] }
    ]
    const some: Dataset = {
      size: samples.length,
      read: async i => samples[i] ?? Promise.reject(new InputError('E_BAD_IMAGE', 'truncated'))
    }
    expect(await evaluate({ sam, data: some, clicks: 1 })).toMatchObject({
      images: 1,
      objects: 1,
      skipped: { images: 4, masks: 3 }
    })
    await expect(evaluate({ sam, data: { ...some, size: 3 }, clicks: 1 })).rejects.toThrow(
      'at least one image with a mask, found none; 3 images'
    )
    await expect(evaluate({ sam, data: { size: Infinity, read: async () => samples[1]! } })).rejects.toMatchObject({
      code: 'E_BAD_IMAGE'
    })
  })

  it('stops at its signal and refuses invalid numbers', async () => {
    await expect(evaluate({ sam, data, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    await expect(evaluate({ sam, data, clicks: 0 })).rejects.toThrow('clicks must be an integer from 1')
  })
})
