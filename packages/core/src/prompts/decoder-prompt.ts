import { toInput, type Frame } from '../image/frame.js'
import { clipBox } from '../masks/box.js'
import { pointLabels } from '../sam/prompt-encoder.js'
import type { EmbeddedPrompt } from './prompt.js'

/** A validated prompt for the decoder; coordinates are pixels of the resized input. */
export interface DecoderPrompt {
  /** Clicks and the two corners of the box, each with its label of {@link pointLabels}. */
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: number }[]
  /** Logits [4g, 4g], unthresholded. */
  readonly mask?: Float32Array | undefined
  /** An embedding of length 1. */
  readonly text?: Float32Array | undefined
  readonly sparseEmbeddings?: readonly Float32Array[] | undefined
}

/** Converts a validated prompt for the decoder. */
export function decoderPrompt(
  { points = [], box, mask, text, sparseEmbeddings }: EmbeddedPrompt,
  frame: Frame
): DecoderPrompt {
  const [height, width] = frame.originalSize
  const [x0, y0, x1, y1] = box ? clipBox(box, { width, height }) : []
  const labelled = [
    ...points.map(({ x, y, label = 'foreground' }) => ({ x, y, label: pointLabels[label] })),
    ...(box
      ? [
          { x: x0!, y: y0!, label: pointLabels.topLeft },
          { x: x1!, y: y1!, label: pointLabels.bottomRight }
        ]
      : [])
  ]
  return {
    points: labelled.map(({ x, y, label }) => {
      const [inputX, inputY] = toInput(frame, x, y)
      return { x: inputX, y: inputY, label }
    }),
    mask,
    text,
    sparseEmbeddings
  }
}

/**
 * Whether this is a single prompt as the paper counts: one point, one box, one mask, one text or one sparse embedding.
 * It is ambiguous and gets three masks; several prompts get one. Paper: Section 3, "Resolving ambiguity".
 */
export const isAmbiguous = ({ points, mask, text, sparseEmbeddings }: DecoderPrompt): boolean =>
  points.filter(({ label }) => label !== pointLabels.bottomRight).length +
    (mask ? 1 : 0) +
    (text ? 1 : 0) +
    (sparseEmbeddings?.length ?? 0) ===
  1

/** Which of the `masks` mask tokens a prompt uses: 1, 2, 3 if it is ambiguous, else 0, the single-mask token. */
export const maskTokens = (ambiguous: boolean, masks: number): readonly number[] =>
  ambiguous ? Array.from({ length: masks - 1 }, (_, i) => i + 1) : [0]

/**
 * Whether Meta's padding point follows the points: if there are points and no box. Meta:
 * PromptEncoder._embed_points(pad).
 */
export const hasPadding = ({ points }: DecoderPrompt): boolean =>
  points.length > 0 && points.every(({ label }) => label !== pointLabels.topLeft)
