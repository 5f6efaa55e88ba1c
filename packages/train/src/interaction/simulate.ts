import type { DeviceTensor, Executable } from '@sam/core/graph'
import type { Rng } from '@sam/rng'
import type { State } from '../checkpoint/state.js'
import type { Recipe } from '../config/recipes.js'
import type { Plane } from './plane.js'
import { promptFeeds, returnedMasks } from './prompt-feeds.js'
import { nextPrompt, plan, type PredictedMasks, type PromptTokens } from './prompts.js'

/** One prompt to train on: the prompt, its object, and the masks that are returned for it. */
export interface InteractionStep {
  readonly prompt: PromptTokens
  /** The object at the resolution of the predictions. */
  readonly truth: Plane
  /** Indices of the decoder's masks. */
  readonly returned: readonly number[]
}

export interface InteractionOptions {
  readonly recipe: Recipe
  /** P objects at the resolution of the predictions; those of one image are adjacent. */
  readonly truths: readonly Plane[]
  /** The first prompt of each. */
  readonly first: readonly PromptTokens[]
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
        returned: returnedMasks(prompt, 1 + recipe.config.decoder.multimaskOutputs)
      })
    if (round === count - 1) break
    const predictions = await predictMasks(prompts, { decoder, embedding: await embedding(), state, sides })
    prompts = prompts.map((prompt, i) => {
      const { logits, iou } = predictions[i]
      const returned = returnedMasks(prompt, logits.length)
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
  prompts: readonly PromptTokens[],
  {
    decoder,
    embedding,
    state,
    sides
  }: Pick<InteractionOptions, 'decoder' | 'state' | 'sides'> & { readonly embedding: DeviceTensor }
): Promise<PredictedMasks[]> {
  const outputs = await decoder.run({
    ...state.feeds(decoder.graph),
    ...promptFeeds(prompts, sides),
    image_embedding: embedding
  })
  const [masks, iou] = await Promise.all([outputs.masks.read(), outputs.iou_predictions.read()])
  Object.values(outputs).forEach(t => t.dispose())
  const [m, size] = [iou.shape[1], sides.low ** 2]
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
