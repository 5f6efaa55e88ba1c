import type { Bitmap } from '@sam/core'
import { describe, expect, it } from 'vitest'
import { pointLabels } from '@sam/core/model'
import { f32, graph, ops, type DeviceTensor, type Executable, type HostTensor } from '@sam/core/graph'
import { createRng } from '@sam/rng'
import { testRun } from '../../test/test-recipe.js'
import { finetuneDecoder, vitH, type Recipe } from '../config/recipes.js'
import { simulateInteraction, type InteractionStep } from './simulate.js'
import { stateOf } from '../checkpoint/state.js'
import { firstPrompt } from './prompts.js'

const { config } = testRun
const recipe: Recipe = { ...testRun, plan: vitH.plan, trainedRounds: 11, stopEarly: 0 }
const [side, low] = [64, 16]
const disc = (size: number): Uint8Array =>
  Uint8Array.from({ length: size * size }, (_, i) =>
    Math.hypot((i % size) - size / 2, Math.floor(i / size) - size / 2) < size / 4 ? 1 : 0
  )
const truth: Bitmap = { width: low, height: low, data: disc(low) }
const onHost = (t: HostTensor): DeviceTensor => ({
  shape: t.shape,
  dtype: t.dtype,
  read: async () => t,
  dispose: () => {}
})

/**
 * A decoder whose n-th prediction is n + m / 10 + 100·p for mask m of prompt p on the left half of the image and −1 on
 * the right. Of the three masks, the second has the highest predicted IoU.
 */
function countingDecoder(prompts: number): { decoder: Executable; runs: () => number } {
  let runs = 0
  const decoder: Executable = {
    graph: graph('decoder', { nothing: ops.fill([1], 0) }),
    async run() {
      runs++
      const masks = Float32Array.from({ length: prompts * 4 * low * low }, (_, i) => {
        const [plane, x] = [Math.floor(i / (low * low)), i % low]
        return x < low / 2 ? runs + (plane % 4) / 10 + 100 * Math.floor(plane / 4) : -1
      })
      const iou = Float32Array.from({ length: prompts * 4 }, (_, i) => [0.99, 0.3, 0.8, 0.5][i % 4])
      return { masks: onHost(f32([prompts, 4, low, low], masks)), iou_predictions: onHost(f32([prompts, 4], iou)) }
    },
    dispose: () => {}
  }
  return { decoder, runs: () => runs }
}

/** Number of the prediction that a step has as its mask prompt. */
const predictionOf = ({ prompt }: InteractionStep): number => Math.floor(prompt.mask![0]) % 100

async function simulate(
  seed: number,
  { recipe: r = recipe, objects = 1 }: { recipe?: Recipe; objects?: number } = {}
): Promise<{ steps: InteractionStep[][]; runs: number }> {
  const { decoder, runs } = countingDecoder(objects)
  const rng = createRng(5, seed)
  const first = Array.from(
    { length: objects },
    () => firstPrompt(rng, { width: side, height: side, data: disc(side) })!
  )
  const steps = await simulateInteraction(rng, {
    recipe: r,
    truths: first.map(() => truth),
    first,
    decoder,
    embedding: async () => onHost(f32([1], [0])),
    state: stateOf(decoder.graph, {}, new Set()),
    sides: { low, cell: side / low, points: 10 }
  })
  return { steps, runs: runs() }
}

describe('simulateInteraction', () => {
  it('simulates eleven steps: eight with a click, two without, one of these at the end', async () => {
    const positions = new Array<number>(9).fill(0)
    const { steps: all, runs } = await simulate(0, { objects: 270 })
    expect(runs).toBe(10) // the last step is trained, not decoded
    for (const steps of all) {
      expect(steps).toHaveLength(11)
      const points = steps.map(t => t.prompt.points.length)
      const added = points.slice(1).map((n, i) => n - points[i])
      expect(added.filter(n => n === 1)).toHaveLength(8)
      expect(added[9]).toBe(0)
      positions[added.indexOf(0)]++
    }
    const chi = positions.reduce((s, n) => s + (n - 30) ** 2 / 30, 0) / 8
    expect(chi).toBeLessThan(2.5)
  })

  it('feeds back the best of three masks after the first step, then the single mask, as logits', async () => {
    const { steps } = await simulate(1, { objects: 2 })
    for (const [p, own] of steps.entries()) {
      expect(own.map(t => t.returned)).toEqual([[1, 2, 3], ...new Array<number[]>(10).fill([0])])
      expect(own[0].prompt.mask).toBeUndefined()
      expect(own[1].prompt.mask![0]).toBeCloseTo(1.2 + 100 * p, 4)
      expect(own.slice(2).map(t => t.prompt.mask![0])).toEqual(Array.from({ length: 9 }, (_, i) => i + 2 + 100 * p))
      expect(own[1].prompt.mask!.at(-1)).toBe(-1)
    }
  })

  it('clicks at the centres of predicted pixels, on misses and false positives', async () => {
    for (const steps of (await simulate(2, { objects: 20 })).steps) {
      const clicks = steps.at(-1)!.prompt.points.slice(steps[0].prompt.points.length)
      for (const { x, y, label } of clicks) {
        const [column, row] = [(x + 0.5) / 4 - 0.5, (y + 0.5) / 4 - 0.5]
        expect([column, row].every(Number.isInteger)).toBe(true)
        const inside = truth.data[row * low + column] === 1
        expect(label).toBe(inside ? pointLabels.foreground : pointLabels.background)
        expect(inside).toBe(column >= low / 2) // the prediction is the left half
      }
    }
  })

  it('samples the trained steps: always the first, the others uniformly', async () => {
    const some = { ...recipe, trainedRounds: 3 }
    const counts = new Array<number>(10).fill(0)
    for (const steps of (await simulate(3, { recipe: some, objects: 300 })).steps) {
      expect(steps).toHaveLength(3)
      expect(steps[0].prompt.mask).toBeUndefined()
      const rounds = steps.slice(1).map(predictionOf)
      expect(rounds[1]).toBeGreaterThan(rounds[0])
      for (const round of rounds) counts[round - 1]++
    }
    expect(counts.reduce((s, n) => s + (n - 60) ** 2 / 60, 0) / 9).toBeLessThan(2.5)
  })

  it("ends early with the recipe's probability, once there are enough steps to train on", async () => {
    const lengths = new Array<number>(12).fill(0)
    for (let seed = 0; seed < 400; seed++)
      lengths[(await simulate(seed, { recipe: { ...finetuneDecoder, config } })).runs + 1]++
    expect(lengths.slice(0, 2)).toEqual([0, 0])
    // At least 2 steps, then stopped with probability 0.4 after each.
    expect(Math.abs(lengths[2] / 400 - 0.4)).toBeLessThan(0.07)
    expect(Math.abs(lengths[3] / 400 - 0.24)).toBeLessThan(0.07)
    expect(Math.abs(lengths[11] / 400 - 0.6 ** 9)).toBeLessThan(0.03)
  })
})
