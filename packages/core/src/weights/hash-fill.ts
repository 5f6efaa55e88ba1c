import { weightSource, type WeightSource } from './source.js'
import { sizeOf, type Shape } from '../tensor/shape.js'
import type { WantedWeight } from './match.js'

/**
 * Weights that are a pure function of (seed, name, element index): any program can rebuild a whole ViT-H without a
 * file, and numbers computed with it elsewhere can be compared. Uniform in [offset − scale, offset + scale), with
 * scales that keep activations of a deep network finite.
 */
export function hashFill({ name, shape }: WantedWeight, seed: number): Float32Array<ArrayBuffer> {
  const [offset, scale] = rangeOf(name, shape).map(Math.fround) as [number, number]
  const start = fnv1a(name) ^ seed
  const out = new Float32Array(sizeOf(shape))
  for (let i = 0; i < out.length; i++) {
    let x = (Math.imul(i, 0x9e3779b9) + start) | 0
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    x = (x ^ (x >>> 16)) >>> 0
    // Each step is rounded to float32, as a program that computes in float32 does.
    out[i] = offset + Math.fround(scale * Math.fround(x / 2 ** 31 - 1))
  }
  return out
}

/** Hash-filled tensors for a model, each made when it is read. */
export function hashWeights(wanted: Iterable<WantedWeight>, seed: number): WeightSource {
  return weightSource(
    `hash-filled weights, seed ${seed}`,
    Array.from(wanted, ({ name, shape }) => ({
      name,
      dtype: 'F32' as const,
      shape,
      bytes: async () => new Uint8Array(hashFill({ name, shape }, seed).buffer)
    }))
  )
}

/** [offset, scale] of a parameter: the first rule that fits its name. */
function rangeOf(name: string, shape: Shape): readonly [offset: number, scale: number] {
  const last = name.slice(name.lastIndexOf('.') + 1)
  const rank = shape.length
  if (name.endsWith('positional_encoding_gaussian_matrix')) return [0, Math.sqrt(3)]
  if (name.endsWith('logit_scale')) return [Math.log(1 / 0.07), 0]
  const positional = last.includes('rel_pos') || ['pos_embed', 'positional_embedding', 'class_embedding'].includes(last)
  if (positional || name.includes('position_embedding')) return [0, 0.2]
  if (last === 'weight' && rank === 1) return [1, 0.2]
  if (last === 'bias' || last === 'in_proj_bias') return [0, 0.1]
  if (name.includes('embed') && rank === 2 && ['token', '_embed', 'point_embeddings'].some(part => name.includes(part)))
    return [0, 1]
  if (rank < 2) return [0, 0.1]
  if (name.includes('upscaling') && rank === 4) return [0, Math.sqrt(3 / shape[0])]
  return [0, Math.sqrt(3 / sizeOf(shape.slice(1)))]
}

/** 32-bit FNV-1a over the UTF-8 bytes. */
function fnv1a(text: string): number {
  return new TextEncoder().encode(text).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5 | 0)
}
