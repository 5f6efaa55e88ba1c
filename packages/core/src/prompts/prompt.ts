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
 * y0 < y1 and is clipped to the photo. At most {@link maxPoints} points.
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

/** A prompt whose phrase has been embedded. */
export type EmbeddedPrompt = Omit<Prompt, 'text'> & { readonly text?: Float32Array }
