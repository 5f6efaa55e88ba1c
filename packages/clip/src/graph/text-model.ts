import { constant, f32, graph, input, nn, ops, scope, type Graph, type Scope, type Value } from '@sam/core/graph'
import type { ClipConfig } from './config.js'
import { layers, projection } from './transformer.js'

export interface TextSignature {
  /** B: texts per run. */
  readonly texts: number
  /**
   * T: tokens per text, including padding. Default: the model's context. Attention is causal, so tokens after the end
   * can be cut off.
   */
  readonly tokens?: number
}

/**
 * CLIP's text transformer with its projection as a graph. transformers: CLIPTextModelWithProjection.
 * - input `input_ids` i32[B,T]: start, text, end, and padding (CLIP repeats the end)
 * - output `text_embeds` f32[B,projection], not normalised
 */
export function encodeText(config: ClipConfig, { texts, tokens = config.text.context }: TextSignature): Graph {
  const ids = input('input_ids', [texts, tokens], 'i32')
  return graph('encodeText', { text_embeds: textEmbeds(scope(), ids, config) }, [ids])
}

/** Token ids i32[B,T] → embeddings [B,projection]. */
export function textEmbeds(p: Scope, ids: Value, { text, activation, eps, projection: out }: ClipConfig): Value {
  const [batch, tokens] = ids.shape as [number, number]
  const model = p.at('text_model')
  const words = ops.gather(
    nn.embedding(model.at('embeddings', 'token_embedding'), [text.vocabulary, text.width]),
    ops.reshape(ids, [batch * tokens]),
    0
  )
  const positions = nn.embedding(model.at('embeddings', 'position_embedding'), [text.context, text.width])
  const embedded = ops.add(
    ops.reshape(words, [batch, tokens, text.width]),
    ops.slice(positions, 0, { start: 0, size: tokens })
  )
  const encoded = layers(model, embedded, { ...text, activation, eps, mask: causalMask(tokens), until: text.depth })
  const atEnd = ops.matmul(ops.reshape(firstEnd(ids, text.end), [batch, 1, tokens]), encoded) // [B, 1, width]
  const pooled = nn.layerNorm(model.at('final_layer_norm'), ops.reshape(atEnd, [batch, text.width]), eps)
  return projection(p.at('text_projection'), pooled, out)
}

/** The causal mask: a token attends to itself and earlier tokens, [1, 1, T, T]. */
const causalMask = (tokens: number): Value =>
  constant(
    f32(
      [1, 1, tokens, tokens],
      Float32Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0))
    )
  )

/**
 * One-hot position of the first end token of each text, f32[B,T]. CLIP pads with the same token, so only the first one
 * counts.
 */
function firstEnd(ids: Value, end: number): Value {
  const [, tokens] = ids.shape as [number, number]
  const ends = ops.cast(ops.equal(ids, end), 'f32')
  const earlier = constant(
    f32(
      [tokens, tokens],
      Float32Array.from({ length: tokens * tokens }, (_, i) => (Math.floor(i / tokens) < i % tokens ? 1 : 0))
    )
  )
  return ops.where(ops.less(ops.matmul(ends, earlier), 0.5), ends, 0)
}
