import type { DeviceTensor } from '../backend/backend.js'
import type { Frame } from '../image/frame.js'
import { Mask } from '../masks/mask.js'
import { promptCount, type Prompt } from '../prompts/prompt.js'

/** Which masks an answer has: the paper's rule, the three ranked ones, or the single one. */
export type Multimask = 'auto' | boolean

/** The answer to one prompt. */
export interface Prediction {
  /** Best first, by predicted IoU. */
  readonly masks: readonly Mask[]
  /**
   * The mask token that each came from: 0 the single one, 1, 2, 3 the three of an ambiguous prompt. Meta's order is by
   * token.
   */
  readonly tokens: readonly number[]
}

interface AnswerOptions {
  readonly multimask: Multimask
  /** Only the best mask of each. */
  readonly best: boolean
  readonly frame: Frame
}

/** What a decode gives, on the device. */
export type DecoderOutputs = Readonly<Record<'masks' | 'iou_predictions', DeviceTensor>>

/** Brings home what the prompts' answers need, and of a single prompt nothing else: three masks of the four, or one. */
export async function readAnswers(
  { masks, iou_predictions }: DecoderOutputs,
  prompts: readonly Prompt[],
  { multimask, best, frame }: AnswerOptions
): Promise<Prediction[]> {
  const [, perPrompt, low] = masks.shape as [number, number, number, number]
  const plane = low * low
  const ambiguous = prompts.map(prompt => (multimask === 'auto' ? promptCount(prompt) === 1 : multimask))
  // Of several prompts, all is read at once; which plane is best is known only after the scores.
  const part =
    prompts.length > 1
      ? undefined
      : ambiguous[0]
        ? { start: plane, length: (perPrompt - 1) * plane }
        : { start: 0, length: plane }
  const late = best && part !== undefined && ambiguous[0]
  const [early, iou] = await Promise.all([late ? undefined : masks.read(part), iou_predictions.read()])

  const ranked = ambiguous.map((three, i) => {
    const tokens = three ? Array.from({ length: perPrompt - 1 }, (_, k) => k + 1) : [0]
    const score = (token: number): number => iou.data[i * perPrompt + token]
    return tokens
      .map(token => ({ token, score: score(token), at: (i * perPrompt + token) * plane }))
      .sort((a, b) => b.score - a.score)
      .slice(0, best ? 1 : undefined)
  })
  const start = late ? ranked[0][0].at : (part?.start ?? 0)
  const read = early ?? (await masks.read({ start, length: plane }))
  return ranked.map(answer => ({
    // A copy: a mask must not keep the logits of its 255 neighbours alive.
    masks: answer.map(
      ({ at, score }) =>
        new Mask({
          lowResLogits: (read.data as Float32Array).slice(at - start, at - start + plane),
          predictedIou: score,
          frame
        })
    ),
    tokens: answer.map(a => a.token)
  }))
}
