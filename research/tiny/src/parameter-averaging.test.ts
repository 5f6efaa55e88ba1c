import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '@sam/scenes'
import { initialParams, train, type Recipe, type RunResult } from '@sam/train'
import { readCheckpoint } from '@sam/train/toolkit'
import { testRun } from '../../../packages/train/test/test-recipe.js'
import { parameterAveraging } from './parameter-averaging.js'

const recipe = { ...testRun, objects: 1, schedule: { ...testRun.schedule, iterations: 2 } }
const common = {
  recipe,
  data: scenes({ size: 64, seed: 1, minArea: 60 }),
  backend: referenceBackend(),
  weights: initialParams(recipe.config, 1)
}

interface RunSettings {
  readonly seed: number
  readonly every: number
  readonly signal: AbortSignal
  readonly recipe: Recipe
}

describe('parameterAveraging', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sam-averaging-'))
  })
  afterAll(() => rm(root, { recursive: true }))
  const run = (
    name: string,
    peers: readonly string[],
    { seed = 1, every = 1, signal, recipe = common.recipe }: Partial<RunSettings> = {}
  ): Promise<RunResult> =>
    train({
      ...common,
      recipe,
      folder: join(root, name),
      seed,
      ...(peers.length && {
        afterStep: parameterAveraging({
          folder: join(root, name),
          peers: peers.map(other => join(root, other)),
          every,
          signal
        })
      }),
      ...(signal && { signal })
    })
  const params = async (name: string) => (await readCheckpoint(join(root, name, 'checkpoint.safetensors'))).state
  const some = 'mask_decoder.transformer.layers.0.mlp.lin1.weight'

  it('continues all runs from the mean of their states', async () => {
    await Promise.all([
      run('alone-1', []),
      run('alone-2', [], { seed: 2 }),
      run('1', ['2'], { every: 2 }),
      run('2', ['1'], { seed: 2, every: 2 })
    ])
    const [a, b, first, second] = await Promise.all(['alone-1', 'alone-2', '1', '2'].map(params))
    expect(a[some].data).not.toEqual(b[some].data)
    for (const name of Object.keys(first)) {
      expect(first[name].data, name).toEqual(second[name].data)
      for (let i = 0; i < first[name].data.length; i++)
        expect(first[name].data[i]).toBeCloseTo((Number(a[name].data[i]) + Number(b[name].data[i])) / 2, 6)
    }
  })
  it('waits for its peers; a run stopped meanwhile ends with the same bytes', async () => {
    await Promise.all([run('whole-1', ['whole-2']), run('whole-2', ['whole-1'], { seed: 2 })])
    const stop = new AbortController()
    const waiting = run('3', ['4'], { signal: stop.signal })
    setTimeout(() => stop.abort(), 1500)
    expect(await waiting).toMatchObject({ iteration: 0, finished: false })
    await Promise.all([run('3', ['4']), run('4', ['3'], { seed: 2 })])
    expect(await readFile(join(root, '3', 'model.safetensors'))).toEqual(
      await readFile(join(root, 'whole-1', 'model.safetensors'))
    )
    expect((await readdir(join(root, '3'))).filter(f => f.startsWith('average-')).length).toBeLessThanOrEqual(2)
  })
  it('does not average files of an earlier run', async () => {
    const deleteCheckpoint = (name: string) => rm(join(root, name, 'checkpoint.safetensors'))
    await Promise.all([run('5', ['6']), run('6', ['5'], { seed: 2 })])
    const before = await params('6')
    await Promise.all(['5', '6'].map(deleteCheckpoint))
    const stop = new AbortController()
    const alone = run('5', ['6'], { seed: 3, signal: stop.signal })
    setTimeout(() => stop.abort(), 1500)
    expect(await alone).toMatchObject({ iteration: 0, finished: false })
    await Promise.all([run('5', ['6'], { seed: 3 }), run('6', ['5'], { seed: 4 })])
    const [first, second] = await Promise.all(['5', '6'].map(params))
    expect(first).toEqual(second)
    expect(first[some].data).not.toEqual(before[some].data)
  })
  it('refuses a peer that starts anew while this run is resumed', async () => {
    const longer = { ...recipe, schedule: { ...recipe.schedule, iterations: 3 } }
    await Promise.all([run('7', ['8']), run('8', ['7'], { seed: 2 })])
    await rm(join(root, '8', 'checkpoint.safetensors'))
    const stop = new AbortController()
    const anew = run('8', ['7'], { seed: 2, recipe: longer, signal: stop.signal })
    await expect(run('7', ['8'], { recipe: longer })).rejects.toMatchObject({
      code: 'E_BAD_OPTION',
      message: expect.stringContaining('found one that started anew') as string
    })
    stop.abort()
    await anew
  })
  it('refuses a peer with another recipe', async () => {
    const other = { ...recipe, clipNorm: 2 }
    for (const result of await Promise.allSettled([run('9', ['10']), run('10', ['9'], { recipe: other })]))
      expect(result).toMatchObject({
        reason: { code: 'E_BAD_OPTION', message: expect.stringContaining('must train the recipe of') as string }
      })
  })
})
