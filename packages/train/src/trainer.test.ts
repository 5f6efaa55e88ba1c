import { describe, expect, it } from 'vitest'
import type { HostTensor } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '@sam/scenes'
import { initialParams } from './pretrained/init.js'
import { testRun } from '../test/test-recipe.js'
import type { Recipe } from './config/recipes.js'
import { NotFinite, type StepReport } from './report/step-report.js'
import { trainer, type Trainer } from './trainer.js'

const data = scenes({ size: 64, seed: 1, minArea: 60 })
const start = (
  recipe: Recipe,
  state: Record<string, HostTensor> = initialParams(recipe.config, 5),
  iteration = 0
): Promise<Trainer> => trainer({ recipe, data, backend: referenceBackend(), seed: 3, state, iteration })
const run = async (t: Trainer, steps: number): Promise<StepReport[]> => {
  const reports: StepReport[] = []
  for (let i = 0; i < steps; i++) reports.push(await t.trainStep())
  return reports
}

describe('trainer', () => {
  it('ends with the same bytes whether or not it was stopped and resumed', async () => {
    const whole = await start(testRun)
    const reports = await run(whole, 4)
    const stopped = await start(testRun)
    const before = await run(stopped, 2)
    const resumed = await start(testRun, await stopped.state.read(), stopped.iteration)
    const after = await run(resumed, 2)
    expect([...before, ...after]).toEqual(reports)
    expect(await resumed.state.read()).toEqual(await whole.state.read())
    expect(reports.map(r => r.iteration)).toEqual([1, 2, 3, 4])
    for (const t of [whole, stopped, resumed]) t.dispose()
  })

  it('lowers the loss of a repeated batch', async () => {
    const same = { ...data, read: () => data.read(0) }
    const t = await trainer({
      recipe: { ...testRun, schedule: { rate: 3e-3, warmup: 1, steps: [], iterations: 10 }, trainedRounds: 1 },
      data: same,
      backend: referenceBackend(),
      seed: 3,
      state: initialParams(testRun.config, 5)
    })
    const losses = (await run(t, 10)).map(r => r.loss)
    expect(losses.slice(-3).reduce((a, b) => a + b) / 3).toBeLessThan(
      (0.8 * losses.slice(0, 3).reduce((a, b) => a + b)) / 3
    )
    t.dispose()
  })

  it('accumulates gradients over a batch, with dropout and drop path', async () => {
    const recipe = { ...testRun, batch: 2, dropPath: 0.5, dropout: 0.1 }
    const t = await start(recipe)
    await t.trainStep()
    expect(t.state.names.filter(name => name.startsWith('gradient/')).length).toBeGreaterThan(100)
    const state = await t.state.read()
    expect(state['gradient/mask_decoder.iou_token.weight'].data.every(v => v === 0)).toBe(true)
    expect(state['adamw/m/mask_decoder.iou_token.weight'].data.some(v => v !== 0)).toBe(true)
    t.dispose()
  })

  it('leaves a frozen encoder unchanged', async () => {
    const t = await start({ ...testRun, frozenEncoder: true })
    await t.trainStep()
    const [now, before] = [await t.state.read(), initialParams(testRun.config, 5)]
    for (const name of Object.keys(before)) {
      if (name.startsWith('image_encoder.')) expect(now[name], name).toEqual(before[name])
    }
    expect(now['mask_decoder.iou_token.weight']).not.toEqual(before['mask_decoder.iou_token.weight'])
    t.dispose()
  })

  it('throws NotFinite with the batch and keeps the params', async () => {
    const bad = { size: 1, read: async () => ({ ...(await data.read(0)) }) }
    const state = initialParams(testRun.config, 5)
    state['mask_decoder.iou_token.weight'].data[0] = NaN
    const t = await trainer({ recipe: testRun, data: bad, backend: referenceBackend(), seed: 3, state })
    const error = await t.trainStep().then(
      () => undefined,
      (e: unknown) => e
    )
    expect(error).toBeInstanceOf(NotFinite)
    expect((error as NotFinite).feeds.image.shape).toEqual([1, 3, 64, 64])
    expect((await t.state.read())['mask_decoder.mask_tokens.weight']).toEqual(state['mask_decoder.mask_tokens.weight'])
    t.dispose()
  })

  it('skips and counts samples without masks', async () => {
    const some = {
      size: Infinity,
      read: async (i: number) => (i % 2 ? data.read(i) : { ...(await data.read(i)), truths: [] })
    }
    const t = await trainer({
      recipe: testRun,
      data: some,
      backend: referenceBackend(),
      seed: 3,
      state: initialParams(testRun.config, 5)
    })
    expect((await t.trainStep()).skipped).toBe(1)
    t.dispose()
  })
})
