import type { SamConfig } from '@sam/core'
import { isTinyVit, isVit } from '@sam/core/model'

export type ImageEncoderConfig = SamConfig['imageEncoder']

/** Blocks of an image encoder; of a TinyViT, over all stages. A custom encoder has none that are known. */
export const depthOf = (encoder: ImageEncoderConfig): number =>
  isVit(encoder) ? encoder.depth : isTinyVit(encoder) ? sum(encoder.depths) : 0

/** Drop path grows linearly over the blocks, from 0 in the first to its full probability in the last. */
export const dropPathRates = (depth: number, dropPath: number): readonly number[] =>
  Array.from({ length: depth }, (_, block) => (depth > 1 ? (dropPath * block) / (depth - 1) : dropPath))

/**
 * How many layers a param is away from the output: the exponent of the layer-wise decay. 0 for the decoder, the prompt
 * encoder and the encoder's neck. The blocks of a ViT are depth … 1, its embeddings depth + 1 (ViTDet:
 * get_vit_lr_decay_rate). The blocks of a TinyViT, counted over all stages, are depth − 1 … 0; the patch embedding has
 * the first block's distance, patch merging that of the block before it (TinyViT: set_layer_lr_decay).
 */
export function layerDistance(name: string, encoder: ImageEncoderConfig): number {
  const depth = depthOf(encoder)
  if (isVit(encoder)) {
    const block = /^image_encoder\.blocks\.(\d+)\./.exec(name)
    if (block) return depth - Number(block[1])
    return /^image_encoder\.(patch_embed|pos_embed)/.test(name) ? depth + 1 : 0
  }
  if (isTinyVit(encoder)) {
    if (name.startsWith('image_encoder.patch_embed.')) return depth - 1
    const [, stage, block] = /^image_encoder\.layers\.(\d+)\.(?:blocks\.(\d+)|downsample)\./.exec(name) ?? []
    if (stage === undefined) return 0
    const before = sum(encoder.depths.slice(0, Number(stage)))
    return depth - 1 - (before + (block === undefined ? encoder.depths[Number(stage)] - 1 : Number(block)))
  }
  return 0
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
