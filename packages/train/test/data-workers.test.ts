import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { referenceBackend } from '@sam/core/testing'
import { initialParams, preparation, preparers, trainer, type Dataset, type Prepare, type Preparers } from '@sam/train'
import { testRun, type Recipe } from '../src/recipes.js'
import { threadData } from './thread-data.js'

const recipe: Recipe = {
  ...testRun,
  objects: 3,
  batch: 2,
  microBatch: 2,
  text: { width: 3, share: 0.5, bare: 0.5, noise: 1, grounding: 1 }
}
const clip = {
  width: 3,
  config: { vision: { width: 1, depth: 1, heads: 1, mlpWidth: 1, imageSize: 16, patchSize: 4 } },
  embedCropFeeds: async ({
    mask_patches: {
      data,
      shape: [crops, patches]
    }
  }: {
    mask_patches: { data: Float32Array; shape: readonly number[] }
  }) =>
    Array.from({ length: crops }, (_, i) => {
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
        argv: [fileURLToPath(new URL('preparing-thread.ts', import.meta.url))],
        workerData: { recipe, seed }
      })
  )

let made: Preparers | undefined
const start = (count: number, data?: Pick<Dataset, 'source'>): Preparers => (made = preparers(threads(count), data))
afterEach(() => made?.dispose())

describe('samples that threads prepare', () => {
  it.each([1, 3])('are the same, and so is what a run learns from them, for %i threads', async count => {
    const { prepare } = start(count, threadData)
    const run = async (given?: Prepare): Promise<unknown> => {
      const t = await trainer({
        recipe,
        data: threadData,
        backend: referenceBackend(),
        seed,
        state: initialParams(recipe.config, 5, 3),
        clip,
        prepare: given
      })
      const reports = [await t.step(), await t.step()]
      const state = await t.state.read()
      t.dispose()
      return { reports, state }
    }
    expect(await run(prepare)).toEqual(await run())
  })

  it('come from the same thread where they are of one source, and many at once from all', async () => {
    const asked: number[][] = [[], []]
    const [a, b] = threads(2)
    for (const [i, worker] of [a, b].entries()) {
      const post = worker.postMessage.bind(worker)
      worker.postMessage = (message: { place: number }) => {
        asked[i].push(message.place)
        post(message)
      }
    }
    made = preparers([a, b], threadData)
    const own = preparation({ recipe, data: threadData, seed, clip: clip.config })
    const places = Array.from({ length: 24 }, (_, i) => i)
    const found = await Promise.all(places.map(made.prepare))
    expect(found.slice(0, 4)).toEqual(await Promise.all(places.slice(0, 4).map(own)))
    const sources = asked.map(list => new Set(list.map(threadData.source!)))
    expect(asked.flat().sort((x, y) => x - y)).toEqual(places)
    expect([...sources[0]].filter(s => sources[1].has(s))).toEqual([])
    expect(sources.map(s => s.size)).toEqual([4, 4])
  })

  it('may be unfit or fail, and a thread that ends rejects what is asked of all', async () => {
    const { prepare } = start(2)
    expect(await prepare(100)).toEqual({ unfit: expect.stringContaining('cut short') })
    await expect(prepare(101)).rejects.toThrow(new TypeError('a bug'))
    await expect(Promise.all([prepare(102), prepare(1)])).rejects.toThrow(
      'a thread that prepares samples ended with code 7'
    )
    await expect(prepare(1)).rejects.toThrow('code 7')
  })

  it('are no longer waited for when the threads are ended', async () => {
    const { prepare, dispose } = start(1)
    const waiting = prepare(0)
    dispose()
    await expect(waiting).rejects.toThrow('were ended')
    await expect(prepare(1)).rejects.toThrow('were ended')
  })
})
