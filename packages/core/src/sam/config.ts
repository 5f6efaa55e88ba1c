import type { Value } from '../ir/value.js'
import type { Scope } from '../nn/scope.js'

/** The paper's ViT backbone: windowed attention, a few global blocks, a neck (Appendix A, "Image encoder"). */
export interface VitConfig {
  /** Side of a patch in pixels. With 16, the embedding's side is 1/16 of the input's. */
  readonly patchSize: number
  /** Embedding dimension of a token. */
  readonly width: number
  /** Number of transformer blocks. */
  readonly depth: number
  readonly heads: number
  /** Hidden width of a block's MLP, as a multiple of `width`. */
  readonly mlpRatio: number
  /** Side of the attention windows, in tokens. */
  readonly window: number
  /** Indices of the blocks with global attention instead of windows. */
  readonly globalBlocks: readonly number[]
}

/**
 * TinyViT with SAM's neck: a stem of two convolutions, a stage of MBConv blocks, then stages of windowed attention.
 * Between stages the width changes and the resolution halves, but not before the last: with four stages the embedding
 * is 1/16 of the input. MobileSAM: modeling/tiny_vit_sam.py.
 */
export interface TinyVitConfig {
  /** Channels of each stage. */
  readonly widths: readonly number[]
  /** Blocks of each stage. */
  readonly depths: readonly number[]
  /** Attention heads of each stage but the first. */
  readonly heads: readonly number[]
  /** Side of the attention windows of each stage but the first, in tokens. */
  readonly windows: readonly number[]
  /** Hidden width of a block's MLP, as a multiple of its width. */
  readonly mlpRatio: number
  /** Hidden width of an MBConv block, as a multiple of its width. */
  readonly expandRatio: number
  /** Side of the depthwise kernel between attention and MLP. */
  readonly localConvSize: number
}

/**
 * Any other network may serve (the paper's words): from the normalised, padded image [1,3,imageSize,imageSize] to an
 * embedding [1, width, imageSize/stride, imageSize/stride]. Its parameters live under `image_encoder`.
 */
export interface CustomEncoder {
  /** Input pixels per position of the embedding. */
  readonly stride: number
  /** Name that identifies the encoder in saved embeddings. */
  readonly name: string
  encode(p: Scope, image: Value): Value
}

/** All hyperparameters of a SAM. */
export interface SamConfig {
  readonly name: string
  /** Side of the square input, in pixels. The longer side of an image is scaled to it, the shorter padded. */
  readonly imageSize: number
  readonly imageEncoder: VitConfig | TinyVitConfig | CustomEncoder
  /** Channels of embeddings and tokens: 256 in the paper. */
  readonly width: number
  /** Hidden channels of the mask prompt's convolutions. */
  readonly maskChannels: number
  readonly decoder: {
    readonly depth: number
    readonly heads: number
    readonly mlpWidth: number
    readonly iouHiddenWidth: number
    /** Masks for an ambiguous prompt: whole, part, subpart. One more token predicts the single mask. */
    readonly multimaskOutputs: number
  }
}

/**
 * Meta's `ImageEncoderViT` settings common to all variants, with their prompt encoder and decoder. Meta:
 * build_sam.py#_build_sam.
 */
const published = (name: string, vit: Pick<VitConfig, 'width' | 'depth' | 'heads' | 'globalBlocks'>): SamConfig => ({
  name,
  imageSize: 1024,
  imageEncoder: { patchSize: 16, mlpRatio: 4, window: 14, ...vit },
  width: 256,
  maskChannels: 16,
  decoder: { depth: 2, heads: 8, mlpWidth: 2048, iouHiddenWidth: 256, multimaskOutputs: 3 }
})

/** `sam_vit_b_01ec64.pth`: 94 M parameters. */
export const vitB: SamConfig = published('vit_b', { width: 768, depth: 12, heads: 12, globalBlocks: [2, 5, 8, 11] })
/** `sam_vit_l_0b3195.pth`: 312 M parameters. */
export const vitL: SamConfig = published('vit_l', { width: 1024, depth: 24, heads: 16, globalBlocks: [5, 11, 17, 23] })
/** `sam_vit_h_4b8939.pth`: 641 M parameters. */
export const vitH: SamConfig = published('vit_h', { width: 1280, depth: 32, heads: 16, globalBlocks: [7, 15, 23, 31] })

/** `mobile_sam.pt`: 10 M parameters, a TinyViT-5M distilled from ViT-H, and Meta's decoder. MobileSAM: build_sam.py. */
export const mobileSam: SamConfig = {
  ...vitH,
  name: 'mobile_sam',
  imageEncoder: {
    widths: [64, 128, 160, 320],
    depths: [2, 2, 6, 2],
    heads: [4, 5, 10],
    windows: [7, 14, 7],
    mlpRatio: 4,
    expandRatio: 4,
    localConvSize: 3
  }
}

/**
 * The model of `@sam/model-tiny`: 1.6 M parameters, 256 pixels, trained on generated scenes on two CPU cores. The small
 * input needs a finer embedding than 1/16: an object ten patches wide at 1024 pixels would be two or three wide.
 */
export const tiny: SamConfig = {
  name: 'tiny',
  imageSize: 256,
  imageEncoder: { patchSize: 8, width: 128, depth: 6, heads: 4, mlpRatio: 4, window: 8, globalBlocks: [2, 5] },
  width: 64,
  maskChannels: 16,
  decoder: { depth: 2, heads: 8, mlpWidth: 256, iouHiddenWidth: 64, multimaskOutputs: 3 }
}

/** A complete SAM that runs in milliseconds: for tests and reference values. */
export const tinyTest: SamConfig = {
  name: 'tiny-test',
  imageSize: 128,
  imageEncoder: { patchSize: 16, width: 32, depth: 4, heads: 2, mlpRatio: 4, window: 3, globalBlocks: [1, 3] },
  width: 32,
  maskChannels: 16,
  decoder: { depth: 2, heads: 4, mlpWidth: 64, iouHiddenWidth: 32, multimaskOutputs: 3 }
}

/** The same with a TinyViT, of grids that its windows do not fill. */
export const tinyVitTest: SamConfig = {
  ...tinyTest,
  name: 'tiny-vit-test',
  imageEncoder: {
    widths: [8, 16, 24, 32],
    depths: [1, 1, 2, 1],
    heads: [2, 3, 4],
    windows: [3, 5, 3],
    mlpRatio: 2,
    expandRatio: 4,
    localConvSize: 3
  }
}

/** The configurations that a name can stand for. */
export const configs: Readonly<Record<string, SamConfig>> = {
  vit_b: vitB,
  vit_l: vitL,
  vit_h: vitH,
  mobile_sam: mobileSam,
  tiny,
  'tiny-test': tinyTest,
  'tiny-vit-test': tinyVitTest
}

export const isVit = (encoder: SamConfig['imageEncoder']): encoder is VitConfig => 'patchSize' in encoder

export const isTinyVit = (encoder: SamConfig['imageEncoder']): encoder is TinyVitConfig => 'widths' in encoder

/** Side of the embedding's grid: 64 for a 1024 input. */
export const gridSize = ({ imageSize, imageEncoder }: SamConfig): number =>
  imageSize /
  (isVit(imageEncoder)
    ? imageEncoder.patchSize
    : isTinyVit(imageEncoder)
      ? 2 ** imageEncoder.widths.length
      : imageEncoder.stride)

/** Side of the low-resolution masks, for mask prompts and predictions: four times the grid's. */
export const lowResSize = (config: SamConfig): number => 4 * gridSize(config)
