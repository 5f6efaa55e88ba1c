import type { Size } from '../image/resize.js'
import type { Mask } from '../masks/mask.js'
import type { Prompt } from './prompt.js'

/** Which masks to predict: `auto`, the paper's rule; `true`, three ranked masks; `false`, a single mask. */
export type Multimask = 'auto' | boolean

/** The masks for one prompt. */
export interface Prediction {
  /** Best first, by predicted IoU. */
  readonly masks: readonly Mask[]
  /**
   * The mask token of each mask: 0 is the single-mask token, 1, 2, 3 are those for ambiguous prompts. Meta's masks are
   * in this order.
   */
  readonly tokenIndices: readonly number[]
}

/** An image that predicts masks for prompts. `width` and `height` are those of the photo, in pixels. */
export interface Promptable extends Size {
  predict(
    prompts: readonly Prompt[],
    options: {
      multimask: 'auto' | true
      best?: boolean
      maskThreshold?: number | undefined
      signal?: AbortSignal | undefined
    }
  ): Promise<Prediction[]>
}
