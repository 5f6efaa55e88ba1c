import type { Shape } from '@sam/core/graph'

/** What the optimiser does with one parameter. */
export interface ParamRule {
  /** Factor on the learning rate. */
  readonly rateScale: number
  readonly weightDecay: number
}

export interface GroupOptions {
  /** Blocks of the image encoder. */
  readonly depth: number
  /** Factor on the rate for each layer further from the output. Paper: "layer-wise learning rate decay". */
  readonly layerDecay: number
  readonly weightDecay: number
}

/**
 * The paper's layer-wise decay: block i of the encoder learns at decay^(depth − i), what comes before the blocks at
 * decay^(depth + 1), all else at the full rate. Weight decay is for matrices: norms, biases and everything that is a
 * place or a token is exempt, as in ViTDet.
 */
export function paramRule(name: string, rank: number, { depth, layerDecay, weightDecay }: GroupOptions): ParamRule {
  const block = /^image_encoder\.blocks\.(\d+)\./.exec(name)
  const stem = /^image_encoder\.(patch_embed|pos_embed)/.test(name)
  const distance = block ? depth - Number(block[1]) : stem ? depth + 1 : 0
  const exempt = rank < 2 || /pos_embed|rel_pos|_embed\.weight$|point_embeddings|_tokens?\.weight$/.test(name)
  return { rateScale: layerDecay ** distance, weightDecay: exempt ? 0 : weightDecay }
}

/** Whether a parameter is learnt at all: the random frequencies of positions are a buffer. */
export const isTrained = (name: string): boolean => !name.endsWith('positional_encoding_gaussian_matrix')

/**
 * Whether a param is a matrix from one hidden layer to another, whose directions Muon may weigh alike: no table of
 * places, tokens or words, no projection into what is compared or read by others, and nothing of a handful of rows.
 */
export const isHidden = (name: string, shape: Shape): boolean =>
  shape.length === 2 && Math.min(...shape) >= 8 && !/embed|token|rel_pos|projection/.test(name)
