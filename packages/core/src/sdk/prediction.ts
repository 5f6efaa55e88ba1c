import type { DeviceTensor } from '../backend/backend.js'
import type { Frame } from '../image/frame.js'
import { Mask } from '../masks/mask.js'
import { isAmbiguous, maskTokens, type DecoderPrompt } from '../prompts/decoder-prompt.js'
import type { Multimask, Prediction } from '../prompts/promptable.js'

export interface ReadOptions {
  readonly multimask: Multimask
  /** Only the best mask of each. */
  readonly best: boolean
  readonly maskThreshold: number
  readonly frame: Frame
}

/** Outputs of a decode, on the device. */
export type DecoderOutputs = Readonly<Record<'masks' | 'iou_predictions', DeviceTensor>>

/**
 * Copies the required masks to host memory: for a single prompt only one or three of the four.
 */
export async function readPredictions(
  { masks, iou_predictions }: DecoderOutputs,
  prompts: readonly DecoderPrompt[],
  { multimask, best, maskThreshold, frame }: ReadOptions
): Promise<Prediction[]> {
  const [, perPrompt, low] = masks.shape as [number, number, number, number]
  const plane = low * low
  const ambiguous = prompts.map(prompt => (multimask === 'auto' ? isAmbiguous(prompt) : multimask))
  // For several prompts everything is read at once: which mask is best is known only after the scores.
  const range =
    prompts.length > 1
      ? undefined
      : ambiguous[0]
        ? { start: plane, length: (perPrompt - 1) * plane }
        : { start: 0, length: plane }
  const bestOnly = best && range !== undefined && ambiguous[0]
  const [logits, iou] = await Promise.all([bestOnly ? undefined : masks.read(range), iou_predictions.read()])

  const ranked = ambiguous.map((three, i) => {
    const score = (token: number): number => iou.data[i * perPrompt + token]
    return maskTokens(three, perPrompt)
      .map(token => ({ token, score: score(token), at: (i * perPrompt + token) * plane }))
      .sort((a, b) => b.score - a.score)
      .slice(0, best ? 1 : undefined)
  })
  const start = bestOnly ? ranked[0][0].at : (range?.start ?? 0)
  const read = logits ?? (await masks.read({ start, length: plane }))
  return ranked.map(chosen => ({
    // A copy, so that one mask does not retain the logits of up to 255 others.
    masks: chosen.map(
      ({ at, score }) =>
        new Mask({
          lowResLogits: (read.data as Float32Array).slice(at - start, at - start + plane),
          predictedIou: score,
          threshold: maskThreshold,
          frame
        })
    ),
    tokenIndices: chosen.map(({ token }) => token)
  }))
}
