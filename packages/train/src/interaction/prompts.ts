import { pointLabels } from '@sam/core'
import { jitteredBox } from './prompts/boxes.js'
import { clickOnError } from './prompts/error-region.js'
import type { Plane } from './prompts/plane.js'
import { pointInMask } from './prompts/points.js'
import type { Random } from './random.js'

/** What a round adds to the prompt: the first prompt, one more click, or nothing but the last prediction. */
export type Round = 'first' | 'click' | 'mask'

export interface PlanOptions {
  /** Clicks after the first prompt; 8 in the paper. */
  readonly clicks: number
  /** Whether there are the two rounds with no new click. */
  readonly maskRounds: boolean
}

/**
 * The paper's plan: first prompt, 8 clicks, two rounds with no new click: one at a random place among the clicks, one
 * last. 11 in all.
 */
export function plan(draw: Random, { clicks, maskRounds }: PlanOptions): Round[] {
  const rounds: Round[] = Array.from({ length: clicks }, () => 'click')
  if (!maskRounds) return ['first', ...rounds]
  rounds.splice(draw.int(0, clicks), 0, 'mask')
  return ['first', ...rounds, 'mask']
}

/** A prompt as tokens of the mask decoder; places are in pixels of the model's input. */
export interface PromptTokens {
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: number }[]
  /** The last prediction, unthresholded, once there is one. */
  readonly mask: Float32Array | undefined
  /**
   * An embedding of the object's crop, of length 1, which a phrase's will stand in for. Given first, it stays through
   * all rounds.
   */
  readonly text?: Float32Array | undefined
}

/** What a prediction gives back: logits of the masks that are returned, and their predicted IoU. */
export interface Answer {
  readonly logits: readonly Float32Array[]
  readonly iou: ArrayLike<number>
}

/** The first prompt: a foreground point or a box, equally likely. Undefined for an empty mask. */
export function firstPrompt(draw: Random, truth: Plane): PromptTokens | undefined {
  if (draw.chance(0.5)) {
    const box = jitteredBox(draw, truth)
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
  const point = pointInMask(draw, truth)
  return point && { points: [{ x: point[0], y: point[1], label: pointLabels.foreground }], mask: undefined }
}

export interface NextPrompt {
  readonly prompt: PromptTokens
  /** The truth in the size of the answer. */
  readonly truth: Plane
  readonly answer: Answer
  readonly round: Round
  /** Width of the answer's pixel in pixels of the input; a click is at its middle. */
  readonly cell?: number
}

/**
 * The next prompt: the mask of highest predicted IoU is passed on as it is, and the click, if there is one, is sampled
 * where that mask is wrong.
 */
export function nextPrompt(
  draw: Random,
  { prompt, truth, answer: { logits, iou }, round, cell = 1 }: NextPrompt
): PromptTokens {
  const mask = logits.reduce((best, _, i) => (iou[i] > iou[best] ? i : best), 0)
  const click = round === 'click' ? clickOnError(draw, logits[mask], truth) : undefined
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

/**
 * A single prompt (one point, one box or one text, and no mask) is ambiguous and is answered with three masks; several
 * with one. Paper: Appendix A, ambiguity.
 */
export const isAmbiguous = ({ points, mask, text }: PromptTokens): boolean =>
  !mask &&
  (text ? points.length === 0 : points.length === 1 || (points.length === 2 && points[0].label === pointLabels.topLeft))

/**
 * Whether Meta's padding token stands at the end: wherever there are points and no box. Meta:
 * PromptEncoder._embed_points(pad).
 */
export const hasPadding = ({ points }: PromptTokens): boolean =>
  points.length > 0 && points[0].label !== pointLabels.topLeft

/** Tokens that the longest prompt of a plan takes: a box and its clicks. */
export const tokensOf = ({ clicks }: PlanOptions): number => clicks + 2
