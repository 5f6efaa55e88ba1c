import { describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import { example } from './example.js'
import { initialParams } from '../pretrained/init.js'
import { boundsOf } from '../interaction/plane.js'
import { createRng } from '@sam/rng'
import { testRun } from '../../test/test-recipe.js'
import { trainer } from '../trainer.js'
import type { Sample } from './dataset.js'
import { jittered } from './jitter.js'
import { scenes } from '@sam/scenes'

/** A white rectangle, which is also the mask, on black: 40 × 20 pixels of 80 × 60, its corner at 20, 30. */
const sample: Sample = (() => {
  const mask = Uint8Array.from({ length: 80 * 60 }, (_, i) =>
    i % 80 >= 20 && i % 80 < 60 && i >= 80 * 30 && i < 80 * 50 ? 1 : 0
  )
  return {
    name: 'rectangle',
    image: {
      width: 80,
      height: 60,
      data: Uint8Array.from({ length: 3 * 80 * 60 }, (_, i) => 255 * mask[Math.floor(i / 3)])
    },
    truths: [{ mask, level: 'whole' }]
  }
})()
const side = 64
const all = Array.from({ length: 3000 }, (_, i) => jittered(createRng(8, i), sample, { range: [0.1, 2], side }))

/**
 * χ² of how often each of n equal parts of [0, 1) is hit, over its degrees of freedom: near 1 where all are equally
 * likely.
 */
const chi = (values: readonly number[], n: number): number => {
  const counts = new Array<number>(n).fill(0)
  for (const v of values) counts[Math.min(n - 1, Math.floor(v * n))]++
  return counts.reduce((s, c) => s + (c - values.length / n) ** 2 / (values.length / n), 0) / (n - 1)
}

describe('jittered', () => {
  it('scales by a uniform random factor of the range', () => {
    const small = all.filter(({ image }) => image.width < side).map(({ image }) => (image.width / side - 0.1) / 0.9)
    expect(Math.abs(small.length / all.length - 0.9 / 1.9)).toBeLessThan(0.03)
    expect(chi(small, 12)).toBeLessThan(2.2)
    for (const { image } of all)
      if (image.width < side) expect(Math.abs(image.height - image.width * 0.75)).toBeLessThanOrEqual(1)
  })

  it("crops larger images to the model's input at a uniform random position", () => {
    expect(all.every(({ image }) => image.width <= side && image.height <= side)).toBe(true)
    // A tall range of one factor: 128 × 96 pixels, cut to 64 × 64. The rectangle's left edge is at 32 and its top at
    // 48.
    const left: number[] = []
    const top: number[] = []
    for (let i = 0; i < 3000; i++) {
      const [truth] = jittered(createRng(9, i), sample, { range: [2, 2], side }).truths
      const [x, y] = boundsOf({ width: side, height: side, data: truth.mask })!
      if (x > 0) left.push((32 - x) / 32)
      if (y > 0) top.push((48 - y) / 33)
    }
    expect(Math.abs(left.length / 3000 - 32 / 65)).toBeLessThan(0.03)
    expect(chi(left, 8)).toBeLessThan(2.2)
    expect(top).toHaveLength(3000)
    expect(chi(top, 11)).toBeLessThan(2.2)
  })

  it('transforms masks with their image and keeps their level', () => {
    for (const {
      image,
      truths: [truth]
    } of all.slice(0, 300)) {
      expect(truth.level).toBe('whole')
      expect(truth.mask).toHaveLength(image.width * image.height)
      let wrong = 0 // a corner's pixel may be covered by little more than a quarter
      truth.mask.forEach((m, i) => {
        if (m ? image.data[3 * i] < 50 : image.data[3 * i] > 155) wrong++
      })
      expect(wrong).toBe(0)
    }
  })

  it('is a function of the seed, and example pads the result', () => {
    const of = (seed: number) => example(sample, testRun.config, { rng: createRng(seed), range: [0.4, 0.4] })
    expect(of(1)).toEqual(of(1))
    const {
      targets: [target],
      image,
      inside
    } = of(1)
    expect(boundsOf(target.input)).toEqual([6, 9, 18, 15]) // 26 × 19 pixels, at the top left
    expect(inside).toEqual([7, 5])
    expect(image.data[63]).toBe(0) // padding
    const draws = [1, 2].map(
      seed => example(sample, testRun.config, { rng: createRng(seed), range: [0.1, 2] }).targets[0]?.input
    )
    expect(draws[0]).not.toEqual(draws[1])
  })

  it("applies to a recipe's training, which resumes with the same bytes", async () => {
    const recipe = { ...testRun, jitter: [0.5, 2] as const, objects: 1 }
    const start = (state = initialParams(recipe.config, 5), iteration = 0) =>
      trainer({
        recipe,
        data: scenes({ size: 64, seed: 1, minArea: 60 }),
        backend: referenceBackend(),
        seed: 3,
        state,
        iteration
      })
    const [whole, stopped] = [await start(), await start()]
    const reports = [await whole.trainStep(), await whole.trainStep()]
    const first = await stopped.trainStep()
    const resumed = await start((await stopped.state.read()) as ReturnType<typeof initialParams>, 1)
    expect([first, await resumed.trainStep()]).toEqual(reports)
    expect(await resumed.state.read()).toEqual(await whole.state.read())
    const plain = await trainer({
      recipe: { ...recipe, jitter: [1, 1] },
      data: scenes({ size: 64, seed: 1, minArea: 60 }),
      backend: referenceBackend(),
      seed: 3,
      state: initialParams(recipe.config, 5)
    })
    expect((await plain.trainStep()).loss).not.toBe(reports[0].loss)
    for (const t of [whole, stopped, resumed, plain]) t.dispose()
  })
})
