import { constant, f32, graph, input, nn, ops, scope, type Graph, type Scope, type Value } from '@sam/core/graph'
import type { ClipConfig } from './config.js'
import { layers, projection } from './transformer.js'

export interface TextSignature {
  /** B: texts at once. */
  readonly texts: number
  /**
   * T: tokens a text, padding included; the model's whole context unless told. A token sees only those before it, so
   * cutting off what comes after the end changes nothing.
   */
  readonly tokens?: number
}

/**
 * CLIP's text transformer with its projection as a graph. transformers: CLIPTextModelWithProjection.
 * - input `input_ids` i32[B,T]: start, words, end, and anything after it (CLIP repeats the end)
 * - output `text_embeds` f32[B,projection], of any length: normalise it to compare
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
  const places = nn.embedding(model.at('embeddings', 'position_embedding'), [text.context, text.width])
  const embedded = ops.add(
    ops.reshape(words, [batch, tokens, text.width]),
    ops.slice(places, 0, { start: 0, size: tokens })
  )
  const encoded = layers(model, embedded, { ...text, activation, eps, mask: causalMask(tokens), until: text.depth })
  const atEnd = ops.matmul(ops.reshape(firstEnd(ids, text.end), [batch, 1, tokens]), encoded) // [B, 1, width]
  const pooled = nn.layerNorm(model.at('final_layer_norm'), ops.reshape(atEnd, [batch, text.width]), eps)
  return projection(p.at('text_projection'), pooled, out)
}

/** A token may look at itself and at those before it: [1, 1, T, T]. */
const causalMask = (tokens: number): Value =>
  constant(
    f32(
      [1, 1, tokens, tokens],
      Float32Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0))
    )
  )

/**
 * 1 at the first end token of each text, 0 elsewhere, f32[B,T]: CLIP pads with the same token, so only the first one
 * ends the text.
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
