import { graph, input, nn, ops, scope, type Graph, type Scope, type Value } from '@sam/core/graph'
import { patchGrid, type ClipConfig } from './config.js'
import { layer, layers, projection } from './transformer.js'

export interface VisionSignature {
  /** B: images per run. */
  readonly images: number
  /** Whether each image has a mask of the patches that its last layer attends to. */
  readonly masked?: boolean
}

/**
 * CLIP's image transformer with its projection as a graph. transformers: CLIPVisionModelWithProjection.
 * - input `pixel_values` f32[B,3,S,S]: normalised with CLIP's mean and deviation
 * - input `mask_patches` f32[B,g²], with `masked`: 1 if the patch touches the object. In the last layer the class
 *   token attends only to itself and to these patches, so the embedding is of the object, in the context of its
 *   surroundings (paper, D.5).
 * - output `image_embeds` f32[B,projection], not normalised
 */
export function encodeCrops(config: ClipConfig, { images, masked = false }: VisionSignature): Graph {
  const { imageSize } = config.vision
  const pixels = input('pixel_values', [images, 3, imageSize, imageSize])
  const patches = masked ? input('mask_patches', [images, patchGrid(config.vision) ** 2]) : undefined
  return graph(
    'encodeCrops',
    { image_embeds: imageEmbeds(scope(), { pixels, patches }, config) },
    patches ? [pixels, patches] : [pixels]
  )
}

/** Images [B,3,S,S] and patch masks [B,g²] → embeddings [B,projection]. */
export function imageEmbeds(
  p: Scope,
  { pixels, patches }: { pixels: Value; patches?: Value | undefined },
  { vision, activation, eps, projection: out }: ClipConfig
): Value {
  const { width, depth, patchSize } = vision
  const [batch, tokens] = [pixels.shape[0], patchGrid(vision) ** 2 + 1]
  const model = p.at('vision_model')
  const embeddings = model.at('embeddings')

  const grid = nn.conv2d(embeddings.at('patch_embedding'), ops.transpose(pixels, [0, 2, 3, 1]), {
    out: width,
    kernel: patchSize,
    stride: patchSize,
    bias: false
  })
  const classToken = ops.broadcastTo(ops.reshape(embeddings.param('class_embedding', [width]), [1, 1, width]), [
    batch,
    1,
    width
  ])
  const embedded = ops.add(
    ops.concat([classToken, ops.reshape(grid, [batch, tokens - 1, width])], 1),
    nn.embedding(embeddings.at('position_embedding'), [tokens, width])
  )

  // Of the last layer only the class token is computed.
  const options = { ...vision, activation, eps }
  const before = layers(model, nn.layerNorm(model.at('pre_layrnorm'), embedded, eps), { ...options, until: depth - 1 }) // sic: the checkpoints' spelling
  const pooled = layer(model.at('encoder', 'layers', depth - 1), before, {
    ...options,
    only: 1,
    mask: patches && insideMask(patches)
  }) // [B, 1, width]
  return projection(
    p.at('visual_projection'),
    nn.layerNorm(model.at('post_layernorm'), ops.reshape(pooled, [batch, width]), eps),
    out
  )
}

/** Mask of the class token's attention, [B, 1, 1, 1 + g²]: itself and the patches of the object. */
function insideMask(patches: Value): Value {
  const [batch, count] = patches.shape as [number, number]
  const allowed = ops.concat([ops.fill([batch, 1], 1), patches], 1)
  return ops.reshape(ops.where(ops.less(0.5, allowed), 0, ops.fill([batch, count + 1], -1e9)), [batch, 1, 1, count + 1])
}
