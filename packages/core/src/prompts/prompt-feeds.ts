import { lowResSize, type SamConfig } from '../sam/config.js'
import type { PromptSignature } from '../sam/graphs.js'
import { pointLabels } from '../sam/prompt-encoder.js'
import { f32, tensor, type HostTensor } from '../tensor/tensor.js'
import { hasPadding, type DecoderPrompt } from './decoder-prompt.js'
import { maxPrompts, maxTokens } from './prompt.js'

/**
 * The signature of a decode of these prompts. Sizes are rounded up to powers of two, so that few shapes are compiled.
 */
export function promptSignature(prompts: readonly DecoderPrompt[]): Required<PromptSignature> {
  return {
    prompts: powerOfTwo(prompts.length),
    points: powerOfTwo(Math.max(...prompts.map(p => p.points.length + (hasPadding(p) ? 1 : 0))), 2),
    tokens: powerOfTwo(Math.max(...prompts.map(p => p.sparseEmbeddings?.length ?? 0))),
    text: Math.max(...prompts.map(p => p.text?.length ?? 0)),
    masks: prompts.some(p => p.mask !== undefined)
  }
}

/**
 * Splits prompts into decodes of bounded memory, in order: at most {@link maxPrompts} prompts and {@link maxTokens}
 * tokens, counted with the padding of {@link promptSignature}.
 */
export function decodeBatches(prompts: readonly DecoderPrompt[]): readonly (readonly DecoderPrompt[])[] {
  const batches: DecoderPrompt[][] = []
  for (const prompt of prompts) {
    const batch = batches.at(-1)
    if (batch && batch.length < maxPrompts && tokensOf(promptSignature([...batch, prompt])) <= maxTokens)
      batch.push(prompt)
    else batches.push([prompt])
  }
  return batches
}

const tokensOf = ({ prompts, points, tokens, text }: Required<PromptSignature>): number =>
  prompts * (points + tokens + (text ? 1 : 0))

/**
 * Prompts as inputs of `decodeMasks` with this signature. Padding is masked in every attention, so each prediction is
 * the same as for the prompt alone.
 */
export function promptFeeds(
  prompts: readonly DecoderPrompt[],
  { prompts: p, points: n, tokens: k = 0, text: t = 0, masks = false }: PromptSignature,
  config: SamConfig
): Record<string, HostTensor> {
  const { width } = config
  const lowRes = lowResSize(config)
  const row = n + k + (t ? 1 : 0)
  const coords = new Float32Array(p * n * 2)
  const labels = new Int32Array(p * n).fill(pointLabels.padding)
  const sparse = new Float32Array(p * k * width)
  const texts = new Float32Array(p * t)
  const present = new Float32Array(p * row)
  const logits = new Float32Array(masks ? p * lowRes * lowRes : 0)
  const hasMask = new Float32Array(p)
  for (const [i, prompt] of prompts.entries()) {
    const { points, mask, text, sparseEmbeddings = [] } = prompt
    for (const [j, { x, y, label }] of points.entries()) {
      coords.set([x, y], 2 * (i * n + j))
      labels[i * n + j] = label
    }
    present.fill(1, i * row, i * row + points.length + (hasPadding(prompt) ? 1 : 0))
    present.fill(1, i * row + n, i * row + n + sparseEmbeddings.length)
    sparseEmbeddings.forEach((vector, j) => sparse.set(vector, (i * k + j) * width))
    if (text) {
      texts.set(text, i * t)
      present[i * row + n + k] = 1
    }
    if (mask) {
      logits.set(mask, i * lowRes * lowRes)
      hasMask[i] = 1
    }
  }
  return {
    ...(n && { point_coords: f32([p, n, 2], coords), point_labels: tensor('i32', [p, n], labels) }),
    ...(k && { tokens: f32([p, k, width], sparse) }),
    ...(t && { text: f32([p, t], texts) }),
    ...(row && { token_mask: f32([p, row], present) }),
    ...(masks && { mask_input: f32([p, lowRes, lowRes], logits), has_mask: f32([p], hasMask) })
  }
}

/** The next power of two, at least `least`; 0 stays 0. */
const powerOfTwo = (n: number, least = 1): number => (n === 0 ? 0 : Math.max(least, 2 ** Math.ceil(Math.log2(n))))
