import type { SamConfig } from '@sam/core'
import { decodeMasks, encodeImage } from '@sam/core/model'
import { f32, nameOf, paramsOf, sizeOf, type HostTensor, type Shape } from '@sam/core/graph'
import { createRng } from '@sam/rng'

/**
 * The shape of every param of a model, by name; with a text projection if the model has text prompts of `text`
 * dimensions.
 */
export function paramShapes(config: SamConfig, text = 0): Map<string, Shape> {
  const graphs = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true, text })]
  return new Map(graphs.flatMap(g => paramsOf(g).map(p => [nameOf(p)!, p.shape] as const)))
}

/**
 * Random params, a function of the seed and the names alone. As MAE: Glorot-uniform matrices, zero biases, norms 1 and
 * 0, sine and cosine position embeddings. As Meta's SAM: convolutions as in PyTorch, uniform within ±1/√fan-in; normal
 * embeddings and positional frequencies; relative positions 0.
 *
 * Our own: the text projection is normal, so that a unit vector becomes a token as long as the others. The keys of each
 * decoder attention are initialised as its queries, so that a token attends from the first step to positions that
 * resemble its own, and these to it.
 */
export function initialParams(config: SamConfig, seed: number, text = 0): Record<string, HostTensor<'f32'>> {
  return initParams(paramShapes(config, text), seed)
}

/** Random params of the text projection alone, for a model without text prompts. */
export const initialText = (config: SamConfig, seed: number, text: number): Record<string, HostTensor<'f32'>> =>
  initParams(new Map([...paramShapes(config, text)].filter(([name]) => isText(name))), seed)

/** Dimensions of the text projection in these params; 0 without one. */
export const textWidthIn = (params: Readonly<Record<string, { readonly shape: Shape }>>): number =>
  params[`${textProjection}weight`]?.shape[1] ?? 0

const textProjection = 'prompt_encoder.text_projection.'
const isText = (name: string): boolean => name.startsWith(textProjection)

/** Random params for any set of names and shapes. */
export const initParams = (shapes: ReadonlyMap<string, Shape>, seed: number): Record<string, HostTensor<'f32'>> =>
  Object.fromEntries([...shapes].map(([name, shape]) => [name, f32(shape, values(name, shape, { seed, shapes }))]))

function values(
  name: string,
  shape: Shape,
  { seed, shapes }: { seed: number; shapes: ReadonlyMap<string, Shape> }
): Float32Array {
  const key = name.replace(/^(mask_decoder\..*)\.k_proj\./, '$1.q_proj.')
  const rng = createRng(seed, ...Array.from(key, c => c.charCodeAt(0)))
  const fill = (value: () => number): Float32Array => Float32Array.from({ length: sizeOf(shape) }, value)
  if (name.endsWith('pos_embed')) return sinCosPositions(shape)
  if (name.includes('rel_pos')) return fill(() => 0)
  if (
    isText(name) ||
    /positional_encoding_gaussian_matrix$|_embed\.weight$|point_embeddings|_tokens?\.weight$/.test(name)
  )
    return fill(() => rng.normal())
  const weight = name.replace(/bias$/, 'weight')
  const matrix = shapes.get(weight)
  if (!matrix || matrix.length < 2) return fill(() => (name.endsWith('weight') ? 1 : 0))
  const isGlorot = matrix.length === 2
  if (isGlorot && name.endsWith('bias')) return fill(() => 0)
  const bound = isGlorot ? Math.sqrt(6 / (matrix[0] + matrix[1])) : 1 / Math.sqrt(sizeOf(matrix.slice(1)))
  return fill(() => rng.between(-bound, bound))
}

/**
 * Sines and cosines of column and row, [1, h, w, C]: a quarter of the channels each, with frequencies from 1 down to
 * 1/10,000. MAE: get_2d_sincos_pos_embed.
 */
export function sinCosPositions([, height, width, channels]: Shape): Float32Array {
  const out = new Float32Array(height * width * channels)
  const quarter = channels / 4
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const position of [x, y]) {
        for (const wave of [Math.sin, Math.cos])
          for (let i = 0; i < quarter; i++) out[at++] = wave(position / 10_000 ** (i / quarter))
      }
    }
  }
  return out
}
