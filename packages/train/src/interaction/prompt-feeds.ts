import { pointLabels } from '@sam/core'
import { f32, tensor, type HostTensor } from '@sam/core/graph'
import { hasPadding, isAmbiguous, type PromptTokens } from './prompts.js'

/**
 * Prompts as the decoder's inputs: `point_coords`, `point_labels`, `token_mask`, `mask_input`, `has_mask`, and `text`
 * for embeddings of `text` dimensions; missing tokens are masked out.
 */
export function promptFeeds(
  prompts: readonly PromptTokens[],
  { points: n, low, text: t = 0 }: { points: number; low: number; text?: number }
): Record<string, HostTensor> {
  const p = prompts.length
  const row = n + (t ? 1 : 0)
  const [coords, labels, present] = [
    new Float32Array(p * n * 2),
    new Int32Array(p * n).fill(pointLabels.padding),
    new Float32Array(p * row)
  ]
  const texts = new Float32Array(p * t)
  const [masks, has] = [new Float32Array(p * low * low), new Float32Array(p)]
  for (const [i, prompt] of prompts.entries()) {
    const { points, mask, text } = prompt
    for (const [j, { x, y, label }] of points.entries()) {
      coords.set([x, y], 2 * (i * n + j))
      labels[i * n + j] = label
    }
    present.fill(1, i * row, i * row + points.length + (hasPadding(prompt) ? 1 : 0))
    if (text) {
      texts.set(text, i * t)
      present[i * row + n] = 1
    }
    if (mask) {
      masks.set(mask, i * low * low)
      has[i] = 1
    }
  }
  return {
    point_coords: f32([p, n, 2], coords),
    point_labels: tensor('i32', [p, n], labels),
    token_mask: f32([p, row], present),
    mask_input: f32([p, low, low], masks),
    has_mask: f32([p], has),
    ...(t && { text: f32([p, t], texts) })
  }
}

/** The decoder's masks that are returned for a prompt: three, or the single one. */
export const returnedMasks = (prompt: PromptTokens, masks: number): readonly number[] =>
  isAmbiguous(prompt) ? Array.from({ length: masks - 1 }, (_, i) => i + 1) : [0]
