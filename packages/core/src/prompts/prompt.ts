import type { Box } from '../masks/box.js'
import type { MaskPrompt } from './mask-prompt.js'

/** A click, in pixels of the photo; (0, 0) is the top left corner. */
export interface Point {
  readonly x: number
  readonly y: number
  /** `foreground` (default): on the object. `background`: not on the object. */
  readonly label?: 'foreground' | 'background'
}

/**
 * What to segment: any combination of these, at least one, all for the same object.
 *
 * All values must be finite. Points must lie in the photo, including its far border. A box must have x0 < x1 and
 * y0 < y1 and is clipped to the photo. At most {@link maxPoints} points, and as many sparse embeddings.
 *
 * A prompt is copied when it is checked, before `predict` returns its promise: it may be changed afterwards.
 */
export interface Prompt {
  readonly points?: readonly Point[]
  readonly box?: Box
  /** A mask to refine: a previous prediction, or any mask of the photo's size. */
  readonly mask?: MaskPrompt
  /**
   * A phrase, or its embedding. A phrase requires a text encoder (`loadSam`), and both require a checkpoint with a text
   * projection; `EncodedImage.query` works without one.
   */
  readonly text?: string | Float32Array
  /** Precomputed sparse embeddings of the model's width. Meta: `sparse_embeddings` of PromptEncoder. */
  readonly sparseEmbeddings?: readonly Float32Array[]
}

/** Maximum number of points in a prompt: the cost of token attention is quadratic. */
export const maxPoints = 1024

/** Maximum number of prompts per decode; longer lists take several decodes. */
export const maxPrompts = 64

/**
 * Maximum number of tokens per decode, of all its prompts with their padding; longer lists take several decodes. It is
 * that of one prompt with {@link maxPoints} points: the scores of attention to an image of 64 × 64 then take 0.25 GB.
 */
export const maxTokens = 2048

/** Maximum number of prompts in one call. Their masks take up to 0.8 GB. */
export const maxPromptsPerCall = 1024

/** Maximum number of mask prompts in one call: each is resized when it is checked. */
export const maxMasksPerCall = 256

/** Maximum number of sparse embeddings in one call; at most {@link maxPoints} of them in one prompt. */
export const maxVectorsPerCall = 16_384

/** A prompt with its mask as logits [4g, 4g], whose phrase has been embedded. */
export type EmbeddedPrompt = Omit<Prompt, 'text' | 'mask'> & {
  readonly mask?: Float32Array
  readonly text?: Float32Array
}
