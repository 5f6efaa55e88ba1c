import type { DecoderPrompt } from '@sam/core/model'
import type { Bitmap } from '@sam/core'
import { pointLabels } from '@sam/core/model'
import { jitteredBox } from './boxes.js'
import { clickOnError } from './error-region.js'
import { pointInMask } from './points.js'
import type { Rng } from '@sam/rng'

/** What a step adds to the prompt: the first prompt, a click, or only the previous prediction as the mask prompt. */
export type Round = 'first' | 'click' | 'mask'

export interface PlanOptions {
  /** Clicks after the first prompt; 8 in the paper. */
  readonly clicks: number
  /** Whether to include the two steps without a new click. */
  readonly maskRounds: boolean
}

/**
 * The paper's plan, 11 steps: the first prompt, 8 clicks, and two steps without a new click, one at a random position
 * among the clicks and one at the end.
 */
export function plan(rng: Rng, { clicks, maskRounds }: PlanOptions): Round[] {
  const rounds: Round[] = Array.from({ length: clicks }, () => 'click')
  if (!maskRounds) return ['first', ...rounds]
  rounds.splice(rng.int(0, clicks), 0, 'mask')
  return ['first', ...rounds, 'mask']
}

/** Masks of one prompt: logits and predicted IoU. */
export interface PredictedMasks {
  readonly logits: readonly Float32Array[]
  readonly iou: ArrayLike<number>
}

/** The first prompt: a foreground point or a box, equally likely. Undefined for an empty mask. */
export function firstPrompt(rng: Rng, truth: Bitmap): DecoderPrompt | undefined {
  if (rng.chance(0.5)) {
    const box = jitteredBox(rng, truth)
    if (!box) return undefined
    const [x0, y0, x1, y1] = box
    return {
      points: [
        { x: x0, y: y0, label: pointLabels.topLeft },
        { x: x1, y: y1, label: pointLabels.bottomRight }
      ],
      mask: undefined
    }
  }
  const point = pointInMask(rng, truth)
  return point && { points: [{ x: point[0], y: point[1], label: pointLabels.foreground }], mask: undefined }
}

export interface NextPrompt {
  readonly prompt: DecoderPrompt
  /** The object at the resolution of the predictions. */
  readonly truth: Bitmap
  /** The returned masks. */
  readonly predicted: PredictedMasks
  readonly round: Round
  /** Side of a predicted pixel in pixels of the input; a click is at its centre. Default: 1. */
  readonly cell?: number
}

/**
 * The next prompt: the logits of the mask with the highest predicted IoU are the mask prompt, and a click is sampled
 * from its error region.
 */
export function nextPrompt(
  rng: Rng,
  { prompt, truth, predicted: { logits, iou }, round, cell = 1 }: NextPrompt
): DecoderPrompt {
  const mask = logits.reduce((best, _, i) => (iou[i] > iou[best] ? i : best), 0)
  const click = round === 'click' ? clickOnError(rng, logits[mask], truth) : undefined
  const points = click
    ? [
        ...prompt.points,
        {
          x: (click.x + 0.5) * cell - 0.5,
          y: (click.y + 0.5) * cell - 0.5,
          label: click.foreground ? pointLabels.foreground : pointLabels.background
        }
      ]
    : prompt.points
  return { points, mask: logits[mask], ...(prompt.text && { text: prompt.text }) }
}

/** Tokens of the longest prompt: a box and all clicks. */
export const tokensOf = ({ clicks }: PlanOptions): number => clicks + 2
