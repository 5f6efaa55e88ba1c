import type { Box } from '../masks/box.js'
import type { MaskPrompt } from './mask-prompt.js'

/** A click: pixels of the photo, (0, 0) its top left corner. */
export interface Point {
  readonly x: number
  readonly y: number
  /** Default `foreground`: the object is here. `background`: it is not. */
  readonly label?: 'foreground' | 'background'
}

/**
 * What to segment: any mix of these, at least one. All of them are about one object.
 *
 * Rules: everything must be finite. Points must lie in the photo, its far border included. A box must have x0 < x1 and
 * y0 < y1 and is clipped to the photo. At most {@link maxPoints} points.
 */
export interface Prompt {
  readonly points?: readonly Point[]
  readonly box?: Box
  /** A previous answer, or any mask of the photo's size: a starting point to refine. */
  readonly mask?: MaskPrompt
  /**
   * A phrase, or its embedding. Words need the text encoder that `loadSam` was given, and both need a checkpoint with a
   * text projection; what works without one is `EncodedImage.query`.
   */
  readonly text?: string | Float32Array
  /** Sparse embeddings made elsewhere, each as wide as the model's own. Meta: `sparse_embeddings` of PromptEncoder. */
  readonly sparseEmbeddings?: readonly Float32Array[]
}

/** The most points one prompt may have: attention among tokens grows with their square. */
export const maxPoints = 1024

/** The most prompts of one decode; longer lists are answered in several. */
export const maxPrompts = 64

/** A prompt whose phrase has become an embedding. */
export type EmbeddedPrompt = Omit<Prompt, 'text'> & { readonly text?: Float32Array }
