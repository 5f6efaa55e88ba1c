import type { DeviceTensor, Executable } from '@sam/core/graph'
import { nextPrompt, plan, type Answer, type PromptTokens } from './interactive.js'
import { promptFeeds, returnedMasks } from './prompt-feeds.js'
import type { Plane } from './prompts/plane.js'
import type { Random } from './random.js'
import type { Recipe } from './recipes.js'
import type { State } from './state.js'

/** One prompt to train on: what was asked, of which object, and which masks are returned for it. */
export interface Turn {
  readonly prompt: PromptTokens
  /** The object in the size of the answer. */
  readonly truth: Plane
  readonly returned: readonly number[]
}

export interface RoundsOptions {
  readonly recipe: Recipe
  /** P objects in the size of the answers, those of one image side by side. */
  readonly truths: readonly Plane[]
  /** How each is first asked for. */
  readonly first: readonly PromptTokens[]
  /** The decoder for P prompts, and what it looks at: asked for only where there is a round after the first. */
  readonly answer: Executable
  readonly embedding: () => Promise<DeviceTensor>
  readonly state: State
  readonly sides: { readonly low: number; readonly cell: number; readonly points: number; readonly text?: number }
}

/**
 * Plays the paper's rounds for all objects of a batch at once with the decoder as it is now, and picks the turns to
 * train on: for each object the first, and others by chance. Gradients do not flow from round to round, so all turns
 * can be trained as one batch. Paper: Appendix A, "Training algorithm".
 */
export async function playRounds(
  draw: Random,
  { recipe, truths, first, answer, embedding, state, sides }: RoundsOptions
): Promise<Turn[][]> {
  const count = lengthOf(draw, recipe)
  const plans = truths.map(() => plan(draw, recipe.plan))
  const played: Turn[][] = truths.map((): Turn[] => [])
  let prompts = first
  for (let round = 0; ; round++) {
    for (const [i, prompt] of prompts.entries())
      played[i].push({
        prompt,
        truth: truths[i],
        returned: returnedMasks(prompt, 1 + recipe.config.decoder.multimaskOutputs)
      })
    if (round === count - 1) break
    const answers = await ask(prompts, { answer, embedding: await embedding(), state, sides })
    prompts = prompts.map((prompt, i) => {
      const returned = returnedMasks(prompt, answers[i].logits.length)
      const { logits, iou } = answers[i]
      return nextPrompt(draw, {
        prompt,
        truth: truths[i],
        round: plans[i][round + 1],
        cell: sides.cell,
        answer: { logits: returned.map(m => logits[m]), iou: returned.map(m => iou[m]) }
      })
    })
  }
  return played.map(([first, ...others]) => [first, ...choose(draw, others, recipe.trainedRounds - 1)])
}

/** All four masks of each prompt. */
export async function ask(
  prompts: readonly PromptTokens[],
  {
    answer,
    embedding,
    state,
    sides
  }: Pick<RoundsOptions, 'answer' | 'state'> & {
    embedding: DeviceTensor
    sides: { low: number; points: number; text?: number }
  }
): Promise<Answer[]> {
  const outputs = await answer.run({
    ...state.feeds(answer.graph),
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

/** How many rounds this step plays. */
function lengthOf(draw: Random, { plan: { clicks, maskRounds }, trainedRounds, stopEarly }: Recipe): number {
  const all = 1 + clicks + (maskRounds ? 2 : 0)
  let count = Math.min(all, trainedRounds)
  while (count < all && !draw.chance(stopEarly)) count++
  return count
}

/** So many of these, in their order, each set equally likely. */
function choose<T>(draw: Random, from: readonly T[], count: number): T[] {
  const chosen: T[] = []
  from.forEach((x, i) => {
    if (draw.unit() * (from.length - i) < count - chosen.length) chosen.push(x)
  })
  return chosen
}
