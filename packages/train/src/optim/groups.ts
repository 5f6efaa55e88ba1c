import { layerDistance, type ImageEncoderConfig } from './layers.js'

/** How the optimizer treats one param. */
export interface ParamRule {
  /** Factor on the learning rate. */
  readonly rateScale: number
  readonly weightDecay: number
}

export interface GroupOptions {
  readonly encoder: ImageEncoderConfig
  /** Factor on the rate for each layer further from the output. Paper: "layer-wise learning rate decay". */
  readonly layerDecay: number
  readonly weightDecay: number
}

/**
 * The paper's layer-wise decay: the rate factor is decay^distance (`layerDistance`). Weight decay applies to matrices:
 * norms, biases, position tables and tokens are exempt, as in ViTDet and TinyViT.
 */
export function paramRule(name: string, rank: number, { encoder, layerDecay, weightDecay }: GroupOptions): ParamRule {
  const exempt =
    rank < 2 || /pos_embed|rel_pos|attention_biases|_embed\.weight$|point_embeddings|_tokens?\.weight$/.test(name)
  return { rateScale: layerDecay ** layerDistance(name, encoder), weightDecay: exempt ? 0 : weightDecay }
}

/** Whether a param is trained: the random frequencies of the positional encoding are a buffer. */
export const isTrained = (name: string): boolean => !name.endsWith('positional_encoding_gaussian_matrix')
