import { tinyModel } from '@sam/model-tiny'
import type { TextFacts } from './lazy-text.js'

/** What the tiny model's CLIP is, without its weights: `width` and `scale` are those of its file. */
export const tinyText = (): TextFacts => {
  const { background, threshold } = tinyModel().clip
  return { width: 64, scale: Math.exp(1.7919921875), background, threshold }
}

/** Bytes of the tiny model, and of the CLIP of its text prompts. */
export const tinySizes = { model: 3_226_584, text: 2_294_676 }
