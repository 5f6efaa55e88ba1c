/** How the optimizer treats one param. */
export interface ParamRule {
  /** Factor on the learning rate. */
  readonly rateScale: number
  readonly weightDecay: number
}

export interface GroupOptions {
  /** Number of image encoder blocks. */
  readonly depth: number
  /** Factor on the rate for each layer further from the output. Paper: "layer-wise learning rate decay". */
  readonly layerDecay: number
  readonly weightDecay: number
}

/**
 * The paper's layer-wise decay: block i of the encoder has the rate factor decay^(depth − i), patch and position
 * embeddings decay^(depth + 1), all else 1. Weight decay applies to matrices: norms, biases, position tables
 * and tokens are exempt, as in ViTDet.
 */
export function paramRule(name: string, rank: number, { depth, layerDecay, weightDecay }: GroupOptions): ParamRule {
  const block = /^image_encoder\.blocks\.(\d+)\./.exec(name)
  const stem = /^image_encoder\.(patch_embed|pos_embed)/.test(name)
  const distance = block ? depth - Number(block[1]) : stem ? depth + 1 : 0
  const exempt = rank < 2 || /pos_embed|rel_pos|_embed\.weight$|point_embeddings|_tokens?\.weight$/.test(name)
  return { rateScale: layerDecay ** distance, weightDecay: exempt ? 0 : weightDecay }
}

/** Whether a param is trained: the random frequencies of the positional encoding are a buffer. */
export const isTrained = (name: string): boolean => !name.endsWith('positional_encoding_gaussian_matrix')
