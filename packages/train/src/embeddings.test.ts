import { describe, expect, it } from 'vitest'
import { nameOf, type Backend } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import type { Dataset } from './data/dataset.js'
import { scenes } from '@sam/scenes'
import { initialParams } from './pretrained/init.js'
import { testRun } from '../test/test-recipe.js'
import type { StepReport } from './report/step-report.js'
import { trainer, type TrainerOptions } from './trainer.js'

const endless = scenes({ size: 64, seed: 1, minArea: 60 })
const data: Dataset = { ...endless, size: 3 }
const recipe = { ...testRun, frozenEncoder: true, batch: 2, microBatch: 2, objects: 1 }

/** A backend that counts encoded images. */
function counting(): { backend: Backend; encoded: () => number } {
  const backend = referenceBackend()
  let images = 0
  return {
    encoded: () => images,
    backend: {
      ...backend,
      async compile(graph, weights, options) {
        const executable = await backend.compile(graph, weights, options)
        const image = graph.inputs.find(v => nameOf(v) === 'image')
        return {
          ...executable,
          run: (feeds, o) => {
            images += image?.shape[0] ?? 0
            return executable.run(feeds, o)
          }
        }
      }
    }
  }
}

async function run(
  options: Partial<TrainerOptions> = {},
  steps = 4
): Promise<{ reports: StepReport[]; encoded: number; state: unknown }> {
  const { backend, encoded } = counting()
  const t = await trainer({ recipe, data, backend, seed: 3, state: initialParams(recipe.config, 5), ...options })
  const reports: StepReport[] = []
  while (t.iteration < steps) reports.push(await t.trainStep())
  const state = await t.state.read()
  t.dispose()
  return { reports, encoded: encoded(), state }
}

describe('cachedEmbeddings', async () => {
  const fresh = await run({ embeddingBytes: 0 })

  it('encodes each image once and leaves training unchanged', async () => {
    const kept = await run()
    expect([fresh.encoded, kept.encoded]).toEqual([8, 3])
    expect(kept.reports).toEqual(fresh.reports)
    expect(kept.state).toEqual(fresh.state)
  })

  it('caches as many embeddings as fit in embeddingBytes', async () => {
    const one = await run({ embeddingBytes: 16 * 4 * 4 * 4 })
    expect(one.encoded).toBeGreaterThan(3)
    expect(one.encoded).toBeLessThan(8)
    expect(one.reports).toEqual(fresh.reports)
  })

  it('recomputes for endless data, jittered images and a trained encoder', async () => {
    expect((await run({ data: endless }, 2)).encoded).toBe(4)
    expect((await run({ recipe: { ...recipe, jitter: [0.5, 1] } }, 2)).encoded).toBe(4)
    const learning = { ...recipe, frozenEncoder: false }
    // Once for the simulated interaction, and once in the step.
    expect((await run({ recipe: learning }, 1)).encoded).toBe(4)
  })
})
