import { afterAll, describe, expect, it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { differentiate, f32, type HostTensor } from '@sam/core/graph'
import { isTrained, paramRule } from '../src/optim/groups.js'
import { learningRate } from '../src/optim/schedule.js'
import {
  batch,
  error,
  fixture,
  groups,
  inF64,
  json,
  names,
  on,
  threeSteps,
  training,
  weights,
  type Run
} from './training-fixture.js'

const rateAt = (iteration: number, rate: number): number =>
  learningRate({ rate, warmup: 250, steps: [60000, 86666], iterations: 90000 }, iteration)

/**
 * A key's bias shifts all scores of a query equally, and softmax is invariant to that: its true gradient is 0, and
 * PyTorch's is rounding noise of f32.
 */
const hasNone = (name: string): boolean => name.endsWith('k_proj.bias')

describe('training of the tiny SAM, against PyTorch', async () => {
  const backend = await cpu()
  afterAll(() => backend.dispose())
  const machines: readonly (readonly [string, Run])[] = [
    ['reference evaluator', inF64],
    ['CPU', on(backend)]
  ]

  describe.each(machines)('on the %s', async (_, run) => {
    const out = await run(differentiate(training(), { loss: 'loss', wrt: names }), batch())

    it('has the same losses', () => {
      expect(error(out.loss, fixture.f32('loss').data)).toBeLessThan(1e-4)
      expect(error(out.multi, fixture.f32('multi/loss').data)).toBeLessThan(1e-4)
      expect(error(out.single, fixture.f32('single/loss').data)).toBeLessThan(1e-4)
      for (const key of ['mask', 'real_iou']) {
        const [three, one] = [Array.from(out[`multi/${key}`]), out[`single/${key}`]]
        expect(error([...three.slice(1, 4), ...three.slice(5, 8)], fixture.f32(`multi/${key}`).data), key).toBeLessThan(
          1e-4
        )
        expect(error([one[0], one[4]], fixture.f32(`single/${key}`).data), key).toBeLessThan(1e-4)
      }
    })

    it('has the same 199 gradients, each to a thousandth of its largest entry', () => {
      expect(names).toHaveLength(199)
      for (const name of names.filter(name => !hasNone(name))) {
        expect(error(out[`grad/${name}`], fixture.f32(`grad/${name}`).data), name).toBeLessThan(1e-3)
      }
      const none = names.filter(hasNone)
      expect(none).toHaveLength(7)
      for (const name of none)
        expect(error(out[`grad/${name}`], fixture.f32(`grad/${name}`).data, 1e-4), name).toBeLessThan(1e-3)
    })

    it('takes the same three AdamW steps', async () => {
      const { lr, schedule_steps: at } = json.adamw
      const feeds = Object.fromEntries(
        at.map((iteration, t) => [`rate/${t}`, f32([], [rateAt(iteration, lr)]) as HostTensor])
      )
      for (const name of names)
        Object.assign(feeds, {
          [`from/${name}`]: weights[name],
          [`grad/${name}`]: f32(weights[name].shape, fixture.f32(`grad/${name}`).data)
        })
      const stepped = await run(threeSteps(), feeds)
      for (const name of names) expect(error(stepped[name], fixture.f32(`adamw/${name}`).data), name).toBeLessThan(1e-4)
    })
  })

  it('has zero gradients for key biases', async () => {
    const out = await inF64(differentiate(training(), { loss: 'loss', wrt: names.filter(hasNone) }), batch())
    for (const name of names.filter(hasNone))
      expect(Math.max(...Array.from(out[`grad/${name}`], Math.abs)), name).toBeLessThan(1e-14)
  })

  it('paramRule: gives each parameter its rate and weight decay', () => {
    expect(Object.fromEntries(names.map(name => [name, paramRule(name, weights[name].shape.length, groups)]))).toEqual(
      Object.fromEntries(
        Object.entries(json.adamw.params).map(([name, p]) => [
          name,
          { rateScale: expect.closeTo(p.lr_scale, 9) as number, weightDecay: p.weight_decay }
        ])
      )
    )
    expect(Object.keys(weights).filter(name => !isTrained(name))).toEqual([
      'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix'
    ])
  })

  it('learningRate: follows the schedule', () => {
    for (const [iteration, rate] of Object.entries(json.lr_schedule))
      expect(rateAt(Number(iteration), 8e-4) / rate, iteration).toBeCloseTo(1, 9)
  })
})
