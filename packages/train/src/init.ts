import { decodeMasks, encodeImage, type SamConfig } from '@sam/core'
import { f32, nameOf, paramsOf, sizeOf, type HostTensor, type Shape } from '@sam/core/graph'
import { random } from './random.js'

/** Every parameter of a model, by name. */
export function paramShapes(config: SamConfig): Map<string, Shape> {
  const graphs = [encodeImage(config), decodeMasks(config, { prompts: 1, points: 1, masks: true })]
  return new Map(graphs.flatMap(g => paramsOf(g).map(p => [nameOf(p)!, p.shape] as const)))
}

/**
 * Fresh parameters: kernels and the encoder's matrices as PyTorch's layers make them, uniform within ±1/√(inputs); norms 1 and 0; embeddings and the
 * random frequencies of positions normal; places 0.02 normal, relative positions 0. A function of the seed and the names alone.
 *
 * The decoder's matrices are Glorot's, and each attention's keys begin as its queries: then a token looks at the places that resemble its own position,
 * and these at it, from the first step. Without that, learning from nothing spends its beginning on masks that are the same everywhere.
 */
export function initialParams(config: SamConfig, seed: number): Record<string, HostTensor<'f32'>> {
  const shapes = paramShapes(config)
  return Object.fromEntries([...shapes].map(([name, shape]) => [name, f32(shape, values(name, shape, { seed, shapes }))]))
}

function values(name: string, shape: Shape, { seed, shapes }: { seed: number; shapes: ReadonlyMap<string, Shape> }): Float32Array {
  const key = name.replace(/^(mask_decoder\..*)\.k_proj\./, '$1.q_proj.')
  const draw = random(seed, ...Array.from(key, c => c.charCodeAt(0)))
  const fill = (value: () => number): Float32Array => Float32Array.from({ length: sizeOf(shape) }, value)
  if (name.endsWith('pos_embed')) return fill(() => 0.02 * draw.normal())
  if (name.includes('rel_pos')) return fill(() => 0)
  if (/positional_encoding_gaussian_matrix$|_embed\.weight$|point_embeddings|_tokens?\.weight$/.test(name)) return fill(() => draw.normal())
  const weight = name.replace(/bias$/, 'weight')
  const matrix = shapes.get(weight)
  if (!matrix || matrix.length < 2) return fill(() => name.endsWith('weight') ? 1 : 0)
  const glorot = name.startsWith('mask_decoder.') && matrix.length === 2
  if (glorot && name.endsWith('bias')) return fill(() => 0)
  const bound = glorot ? Math.sqrt(6 / (matrix[0] + matrix[1])) : 1 / Math.sqrt(sizeOf(matrix.slice(1)))
  return fill(() => draw.between(-bound, bound))
}
