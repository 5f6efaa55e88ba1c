import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import {
  dataWorkers,
  exampleLoader,
  initialParams,
  type Dataset,
  type DataWorkers,
  type FirstPrompt,
  type LoadExample
} from '@sam/train'
import { trainer } from '@sam/train/toolkit'
import { testRun } from './test-recipe.js'
import type { Recipe } from '../src/config/recipes.js'
import { crops } from './crops.js'
import { threadData } from './thread-data.js'

const recipe: Recipe = {
  ...testRun,
  objects: 3,
  batch: 2,
  microBatch: 2,
  text: { width: 3, share: 0.5 }
}
const firstPrompt: FirstPrompt = {
  ...crops,
  width: 3,
  embed: async ({
    mask_patches: {
      data,
      shape: [count, patches]
    }
  }) =>
    Array.from({ length: count }, (_, i) => {
      const a = data.subarray(i * patches, (i + 1) * patches).reduce((x, y) => x + y)
      return Float32Array.of(Math.cos(a), Math.sin(a), 0)
    })
}
const seed = 3
const root = fileURLToPath(new URL('../../../tools/run.js', import.meta.url))
const threads = (count: number): Worker[] =>
  Array.from(
    { length: count },
    () =>
      new Worker(root, {
        argv: [fileURLToPath(new URL('data-worker.ts', import.meta.url))],
        workerData: { recipe, seed }
      })
  )

let made: DataWorkers | undefined
const start = (count: number, data?: Pick<Dataset, 'source'>): DataWorkers => (made = dataWorkers(threads(count), data))
afterEach(() => made?.dispose())

describe('dataWorkers', () => {
  it.each([1, 3])('trains to the same weights as one thread: %i threads', async count => {
    const { loadExample } = start(count, threadData)
    const run = async (given?: LoadExample): Promise<unknown> => {
      const t = await trainer({
        recipe,
        data: threadData,
        backend: referenceBackend(),
        seed,
        state: initialParams(recipe.config, 5, 3),
        firstPrompt,
        loadExample: given
      })
      const reports = [await t.trainStep(), await t.trainStep()]
      const state = await t.state.read()
      t.dispose()
      return { reports, state }
    }
    expect(await run(loadExample)).toEqual(await run())
  })

  it('loads samples of one source on one thread, and uses all threads', async () => {
    const requested: number[][] = [[], []]
    const [a, b] = threads(2)
    for (const [i, worker] of [a, b].entries()) {
      const post = worker.postMessage.bind(worker)
      worker.postMessage = (message: { position: number }) => {
        requested[i].push(message.position)
        post(message)
      }
    }
    made = dataWorkers([a, b], threadData)
    const own = exampleLoader({ recipe, data: threadData, seed, crops })
    const positions = Array.from({ length: 24 }, (_, i) => i)
    const found = await Promise.all(positions.map(made.loadExample))
    expect(found.slice(0, 4)).toEqual(await Promise.all(positions.slice(0, 4).map(own)))
    const sources = requested.map(list => new Set(list.map(threadData.source!)))
    expect(requested.flat().sort((x, y) => x - y)).toEqual(positions)
    expect([...sources[0]].filter(s => sources[1].has(s))).toEqual([])
    expect(sources.map(s => s.size)).toEqual([4, 4])
  })

  it('passes on unusable samples and errors; a thread that ends rejects all requests', async () => {
    const { loadExample } = start(2)
    expect(await loadExample(100)).toEqual({ unfit: expect.stringContaining('truncated') })
    await expect(loadExample(101)).rejects.toThrow(new TypeError('a bug'))
    await expect(Promise.all([loadExample(102), loadExample(1)])).rejects.toThrow('a data worker ended with code 7')
    await expect(loadExample(1)).rejects.toThrow('code 7')
  })

  it('rejects pending requests when disposed', async () => {
    const { loadExample, dispose } = start(1)
    const waiting = loadExample(0)
    dispose()
    await expect(waiting).rejects.toThrow('were ended')
    await expect(loadExample(1)).rejects.toThrow('were ended')
  })
})
