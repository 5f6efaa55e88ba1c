import { concat } from './concat.js'
import type { FirstPrompt } from './first-prompt.js'
import type { TrainingExample } from './load-example.js'

/**
 * The embeddings of all crops of a batch, in the order of its objects; undefined for objects with another first prompt.
 * Without crops nothing is embedded.
 */
export async function embedCrops(
  batch: readonly Pick<TrainingExample, 'firstPrompts' | 'crops'>[],
  prompt: Pick<FirstPrompt, 'embed'> | undefined
): Promise<(Float32Array | undefined)[]> {
  const crops = batch.flatMap(one => one.crops ?? [])
  const embeddings =
    prompt && crops.length
      ? await prompt.embed({
          pixel_values: concat(crops.map(c => c.pixel_values)),
          mask_patches: concat(crops.map(c => c.mask_patches))
        })
      : []
  let at = 0
  return batch.flatMap(({ firstPrompts, crops: own }) =>
    firstPrompts.map(first => (first || !own ? undefined : embeddings[at++]))
  )
}
