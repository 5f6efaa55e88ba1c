import { InputError } from '@sam/core/graph'
import { embedCrops } from './embed-crops.js'
import type { FirstPrompt } from './first-prompt.js'
import type { LoadExample, TrainingExample } from './load-example.js'

/** The examples of a micro-step, and the embeddings of their crops by object. */
export interface Batch {
  readonly examples: readonly TrainingExample[]
  readonly texts: readonly (Float32Array | undefined)[]
  /** Samples skipped on the way. */
  readonly skipped: number
  /** Masks of the examples that cannot be used. */
  readonly skippedMasks: number
}

export interface BatchLoader {
  /** The batch of a micro-step. */
  take(micro: number): Promise<Batch>
  /** Starts to load the micro-steps after this one, while the device computes. */
  prefetch(micro: number): void
}

/** Batches loaded ahead of time, so that no data worker waits for the slowest one of a batch. */
const batchesAhead = 2
/** Samples skipped in a row before loading fails. */
const skipLimit = 100

/** Batches of `images` examples each. */
export function batchLoader(
  loadExample: LoadExample,
  { images, firstPrompt }: { readonly images: number; readonly firstPrompt: FirstPrompt | undefined }
): BatchLoader {
  const load = async (micro: number): Promise<Batch> => {
    const { examples, skipped } = await loadUsable(loadExample, { at: micro * images, count: images })
    const skippedMasks = examples.reduce((sum, one) => sum + one.skippedMasks, 0)
    return { examples, skipped, skippedMasks, texts: await embedCrops(examples, firstPrompt) }
  }
  const loading = new Map<number, Promise<Batch>>()
  const start = (micro: number): Promise<Batch> => {
    const batch = loading.get(micro) ?? load(micro)
    batch.catch(() => {}) // the error reaches the caller of take()
    loading.set(micro, batch)
    return batch
  }
  return {
    take(micro) {
      const batch = start(micro)
      loading.delete(micro)
      return batch
    },
    prefetch(micro) {
      for (let next = 1; next <= batchesAhead; next++) void start(micro + next)
    }
  }
}

/** The next `count` usable samples. Throws `InputError` `E_BAD_IMAGE` after `skipLimit` unusable ones. */
async function loadUsable(
  loadExample: LoadExample,
  { at, count }: { at: number; count: number }
): Promise<Pick<Batch, 'examples' | 'skipped'>> {
  const examples: TrainingExample[] = []
  let [skipped, next] = [0, at]
  while (examples.length < count) {
    const missing = count - examples.length
    for (const loaded of await Promise.all(Array.from({ length: missing }, (_, i) => loadExample(next + i)))) {
      if (!('unfit' in loaded)) examples.push(loaded)
      else if (++skipped > skipLimit)
        throw new InputError(
          'E_BAD_IMAGE',
          `${skipLimit} samples in a row cannot be used, the last: ${loaded.unfit}. Check the data`
        )
    }
    next += missing
  }
  return { examples, skipped }
}
