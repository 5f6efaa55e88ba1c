import { mkdtemp, readFile, rm, appendFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWeights, recognise } from '@sam/core'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from './data/scenes/scene.js'
import { initialParams } from './init.js'
import { testRun } from './recipes.js'
import { readLog, train } from './run.js'

const recipe = { ...testRun, objects: 1, schedule: { ...testRun.schedule, iterations: 2 } }
const common = { recipe, data: scenes({ size: 64, seed: 1, minArea: 60 }), backend: referenceBackend(), seed: 3 }

describe('a run in a folder', () => {
  let root: string
  beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'sam-train-')) })
  afterAll(() => rm(root, { recursive: true }))

  it('stopped by its signal and called again, ends with the same files as one that was not', async () => {
    const [whole, parts] = [join(root, 'whole'), join(root, 'parts')]
    expect(await train({ ...common, folder: whole })).toMatchObject({ iteration: 2, finished: true })
    const stop = new AbortController()
    expect(await train({ ...common, folder: parts, signal: stop.signal, onStep: () => stop.abort() })).toMatchObject({ iteration: 1, finished: false })
    await appendFile(join(parts, 'log.jsonl'), '{"iteration":2,"lo') // as a crash leaves it
    await train({ ...common, folder: parts })
    for (const file of ['checkpoint.safetensors', 'model.safetensors']) {
      expect((await readFile(join(parts, file))).equals(await readFile(join(whole, file))), file).toBe(true)
    }
    expect((await readLog(join(parts, 'log.jsonl'))).map(entry => entry.iteration)).toEqual([1, 2])
    expect(await readFile(join(whole, 'curves.svg'), 'utf8')).toContain('2 iterations')
  })

  it('leaves a model that says what it is', async () => {
    const source = await openWeights(join(root, 'whole', 'model.safetensors'))
    expect(recognise(source)).toEqual(recipe.config)
    expect(source.info('mask_decoder.iou_token.weight').dtype).toBe('F16')
    await source.close()
  })

  it('keeps the batch on which the loss is not a number', async () => {
    const weights = initialParams(recipe.config, 1)
    weights['mask_decoder.iou_token.weight'].data[0] = NaN
    const folder = join(root, 'bad')
    await expect(train({ ...common, folder, weights })).rejects.toThrow('iteration 1: loss NaN')
    const kept = await openWeights(join(folder, 'not-finite.safetensors'))
    expect(kept.info('image').shape).toEqual([1, 3, 64, 64])
    await kept.close()
  })
})
