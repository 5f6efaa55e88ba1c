import { isAmbiguous, maskTokens, promptFeeds, type DecoderPrompt } from '@sam/core/model'
import type { Bitmap } from '@sam/core'
import type { DeviceTensor, Executable } from '@sam/core/graph'
import type { Rng } from '@sam/rng'
import type { State } from '../checkpoint/state.js'
import type { Recipe } from '../config/recipes.js'
import { nextPrompt, plan, type PredictedMasks } from './prompts.js'

/** A prompt to train on, its object, and the masks returned for it. */
export interface InteractionStep {
  readonly prompt: DecoderPrompt
  /** The object at the resolution of the predictions. */
  readonly truth: Bitmap
  /** Indices of the decoder's masks. */
  readonly returned: readonly number[]
}

export interface InteractionOptions {
  readonly recipe: Recipe
  /** P objects at the resolution of the predictions; those of one image are adjacent. */
  readonly truths: readonly Bitmap[]
  /** The first prompt of each. */
  readonly first: readonly DecoderPrompt[]
  /** The mask decoder for P prompts, and the image embeddings: read only where there is a second step. */
  readonly decoder: Executable
  readonly embedding: () => Promise<DeviceTensor>
  readonly state: State
  readonly sides: { readonly low: number; readonly cell: number; readonly points: number; readonly text?: number }
}

/**
 * Simulates the paper's interaction for all objects of a batch at once, with the decoder's current weights, and samples
 * the steps to train on: for each object always the first. No gradient flows from step to step, so all steps can be
 * trained as one batch. Returns the steps by object. Paper: Appendix A, "Training algorithm".
 */
export async function simulateInteraction(
  rng: Rng,
  { recipe, truths, first, decoder, embedding, state, sides }: InteractionOptions
): Promise<InteractionStep[][]> {
  const count = sampleLength(rng, recipe)
  const plans = truths.map(() => plan(rng, recipe.plan))
  const steps: InteractionStep[][] = truths.map((): InteractionStep[] => [])
  let prompts = first
  for (let round = 0; ; round++) {
    for (const [i, prompt] of prompts.entries())
      steps[i].push({
        prompt,
        truth: truths[i],
        returned: maskTokens(isAmbiguous(prompt), 1 + recipe.config.decoder.multimaskOutputs)
      })
    if (round === count - 1) break
    const predictions = await predictMasks(prompts, { recipe, decoder, embedding: await embedding(), state, sides })
    prompts = prompts.map((prompt, i) => {
      const { logits, iou } = predictions[i]
      const returned = maskTokens(isAmbiguous(prompt), logits.length)
      return nextPrompt(rng, {
        prompt,
        truth: truths[i],
        round: plans[i][round + 1],
        cell: sides.cell,
        predicted: { logits: returned.map(m => logits[m]), iou: returned.map(m => iou[m]) }
      })
    })
  }
  return steps.map(([first, ...others]) => [first, ...sample(rng, others, recipe.trainedRounds - 1)])
}

/** All masks of the decoder for each prompt. */
async function predictMasks(
  prompts: readonly DecoderPrompt[],
  {
    recipe: { config },
    decoder,
    embedding,
    state,
    sides: { low, points, text = 0 }
  }: Pick<InteractionOptions, 'recipe' | 'decoder' | 'state' | 'sides'> & { readonly embedding: DeviceTensor }
): Promise<PredictedMasks[]> {
  const outputs = await decoder.run({
    ...state.feeds(decoder.graph),
    ...promptFeeds(prompts, { prompts: prompts.length, points, text, masks: true }, config),
    image_embedding: embedding
  })
  const [masks, iou] = await Promise.all([outputs.masks.read(), outputs.iou_predictions.read()])
  Object.values(outputs).forEach(t => t.dispose())
  const [m, size] = [iou.shape[1], low ** 2]
  const logits = masks.data as Float32Array
  return prompts.map((_, i) => ({
    logits: Array.from({ length: m }, (_, j) => logits.slice((i * m + j) * size, (i * m + j + 1) * size)),
    iou: Array.from(iou.data.slice(i * m, (i + 1) * m))
  }))
}

/** Number of interaction steps to simulate. */
function sampleLength(rng: Rng, { plan: { clicks, maskRounds }, trainedRounds, stopEarly }: Recipe): number {
  const all = 1 + clicks + (maskRounds ? 2 : 0)
  let count = Math.min(all, trainedRounds)
  while (count < all && !rng.chance(stopEarly)) count++
  return count
}

/** `count` items of a list in their order; every subset is equally likely. */
function sample<T>(rng: Rng, from: readonly T[], count: number): T[] {
  const chosen: T[] = []
  from.forEach((x, i) => {
    if (rng.unit() * (from.length - i) < count - chosen.length) chosen.push(x)
  })
  return chosen
}
