import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import { readCheckpoint } from './checkpoint.js'
import { scenes } from './data/scenes/scene.js'
import { initialParams } from './init.js'
import { testRun } from './recipes.js'
import { train, type RunResult } from './run.js'

const recipe = { ...testRun, objects: 1, schedule: { ...testRun.schedule, iterations: 2 } }
const common = {
  recipe,
  data: scenes({ size: 64, seed: 1, minArea: 60 }),
  backend: referenceBackend(),
  weights: initialParams(recipe.config, 1)
}

describe('runs beside one another', () => {
  let root: string
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'sam-meeting-'))
  })
  afterAll(() => rm(root, { recursive: true }))
  const run = (
    name: string,
    beside: readonly string[],
    { seed = 1, every = 1, signal }: { seed?: number; every?: number; signal?: AbortSignal } = {}
  ): Promise<RunResult> =>
    train({
      ...common,
      folder: join(root, name),
      seed,
      ...(beside.length && { meeting: { beside: beside.map(other => join(root, other)), every } }),
      ...(signal && { signal })
    })
  const params = async (name: string) => (await readCheckpoint(join(root, name, 'checkpoint.safetensors'))).state
  const some = 'mask_decoder.transformer.layers.0.mlp.lin1.weight'

  it('go on from the mean of what they have come to', async () => {
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
  it('wait for one another; stopped while they do, they come to the same end', async () => {
    await Promise.all([run('whole-1', ['whole-2']), run('whole-2', ['whole-1'], { seed: 2 })])
    const stop = new AbortController()
    const waiting = run('3', ['4'], { signal: stop.signal })
    setTimeout(() => stop.abort(), 1500)
    expect(await waiting).toMatchObject({ iteration: 0, finished: false })
    await Promise.all([run('3', ['4']), run('4', ['3'], { seed: 2 })])
    expect(await readFile(join(root, '3', 'model.safetensors'))).toEqual(
      await readFile(join(root, 'whole-1', 'model.safetensors'))
    )
    expect((await readdir(join(root, '3'))).filter(f => f.startsWith('meeting')).length).toBeLessThanOrEqual(2)
  })
})
