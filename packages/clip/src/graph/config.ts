import { refusing, type Refuse } from '@sam/core/graph'

/** One of CLIP's two transformers. */
export interface Tower {
  /** Embedding dimension of a token. */
  readonly width: number
  readonly depth: number
  readonly heads: number
  /** Hidden width of a layer's MLP. */
  readonly mlpWidth: number
}

export interface TextTower extends Tower {
  /** Rows of the token embedding. */
  readonly vocabulary: number
  /** Maximum number of tokens of a text, including start and end. */
  readonly context: number
  /** The end-of-text token: its position gives the embedding. */
  readonly end: number
}

export interface VisionTower extends Tower {
  /** Side of the square picture, in pixels. */
  readonly imageSize: number
  readonly patchSize: number
}

/** All hyperparameters of a CLIP. */
export interface ClipConfig {
  readonly text: TextTower
  readonly vision: VisionTower
  /** Dimensions of the joint embedding space. */
  readonly projection: number
  /** OpenAI's checkpoints have `quick_gelu`, many later ones `gelu`. */
  readonly activation: 'quick_gelu' | 'gelu'
  /** Epsilon of every norm. */
  readonly eps: number
}

const published = (projection: number, text: Tower, vision: VisionTower): ClipConfig => ({
  text: { ...text, vocabulary: 49408, context: 77, end: 49407 },
  vision,
  projection,
  activation: 'quick_gelu',
  eps: 1e-5
})

const narrowText: Tower = { width: 512, depth: 12, heads: 8, mlpWidth: 2048 }
const wideText: Tower = { width: 768, depth: 12, heads: 12, mlpWidth: 3072 }
const base: Tower = { width: 768, depth: 12, heads: 12, mlpWidth: 3072 }
const large: Tower = { width: 1024, depth: 24, heads: 16, mlpWidth: 4096 }

/** OpenAI's CLIPs by repository name. The paper uses ViT-L/14@336 (D.5). */
export const clipConfigs = {
  'clip-vit-base-patch32': published(512, narrowText, { ...base, imageSize: 224, patchSize: 32 }),
  'clip-vit-base-patch16': published(512, narrowText, { ...base, imageSize: 224, patchSize: 16 }),
  'clip-vit-large-patch14': published(768, wideText, { ...large, imageSize: 224, patchSize: 14 }),
  'clip-vit-large-patch14-336': published(768, wideText, { ...large, imageSize: 336, patchSize: 14 })
} as const satisfies Readonly<Record<string, ClipConfig>>

/** Side of the grid of patches. */
export const patchGrid = ({ imageSize, patchSize }: VisionTower): number => imageSize / patchSize

/**
 * Defaults of values missing in `config.json`: those of transformers' `CLIPTextConfig` and `CLIPVisionConfig`.
 */
const defaults = {
  text: {
    hidden_size: 512,
    num_hidden_layers: 12,
    num_attention_heads: 8,
    intermediate_size: 2048,
    vocab_size: 49408,
    max_position_embeddings: 77
  },
  vision: {
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
    image_size: 224,
    patch_size: 32
  }
}

/** The most that each value of a `config.json` may be: far above every known CLIP. SECURITY.md lists these. */
const limits: Readonly<Record<string, number>> = {
  hidden_size: 8192,
  num_hidden_layers: 128,
  num_attention_heads: 128,
  intermediate_size: 32_768,
  vocab_size: 1_000_000,
  max_position_embeddings: 4096,
  eos_token_id: 1_000_000,
  image_size: 4096,
  patch_size: 4096,
  projection_dim: 8192
}

/** Patches on a side: attention grows with the fourth power. */
const gridLimit = 256

/**
 * Hugging Face's `config.json` of a `CLIPModel`, parsed. Throws `WeightsError` `E_WEIGHTS_FORMAT` for what is not one,
 * or has a value past `limits`.
 */
export function parseClipConfig(json: unknown, label = 'config.json'): ClipConfig {
  const refuse: Refuse = refusing('E_WEIGHTS_FORMAT', `${label}: must be the configuration of a CLIP model; `)
  const told = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60)
  const object = (value: unknown, what: string): Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : refuse(`${what} must be an object`)
  const wholeNumber = (from: Readonly<Record<string, unknown>>, key: string, standard?: number): number => {
    const value = from[key] ?? standard
    return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= limits[key]
      ? value
      : refuse(`${key} must be a whole number from 1 to ${limits[key]}, found ${told(value)}`)
  }
  const tower = (from: Readonly<Record<string, unknown>>, standard: Readonly<Record<string, number>>): Tower => {
    const [width, heads] = [
      wholeNumber(from, 'hidden_size', standard.hidden_size),
      wholeNumber(from, 'num_attention_heads', standard.num_attention_heads)
    ]
    if (width % heads) refuse(`hidden_size ${width} must be a multiple of num_attention_heads ${heads}`)
    const [depth, mlpWidth] = [
      wholeNumber(from, 'num_hidden_layers', standard.num_hidden_layers),
      wholeNumber(from, 'intermediate_size', standard.intermediate_size)
    ]
    return { width, heads, depth, mlpWidth }
  }

  const root = object(json, 'it')
  if (root.model_type !== undefined && root.model_type !== 'clip') refuse(`model_type is ${told(root.model_type)}`)
  const [text, vision] = [object(root.text_config, 'text_config'), object(root.vision_config, 'vision_config')]
  const activation = text.hidden_act ?? vision.hidden_act ?? 'quick_gelu'
  if (activation !== 'quick_gelu' && activation !== 'gelu')
    refuse(`hidden_act must be quick_gelu or gelu, found ${told(activation)}`)
  const [imageSize, patchSize] = [
    wholeNumber(vision, 'image_size', defaults.vision.image_size),
    wholeNumber(vision, 'patch_size', defaults.vision.patch_size)
  ]
  if (imageSize % patchSize) refuse(`image_size ${imageSize} must be a multiple of patch_size ${patchSize}`)
  if (imageSize / patchSize > gridLimit)
    refuse(`image_size must be at most ${gridLimit} patches, found ${imageSize / patchSize}`)
  const eps = text.layer_norm_eps ?? 1e-5
  if (typeof eps !== 'number' || !(eps > 0 && eps < 1))
    refuse(`layer_norm_eps must be a small positive number, found ${told(eps)}`)
  const vocabulary = wholeNumber(text, 'vocab_size', defaults.text.vocab_size)
  // OpenAI's own files say 2 here, which is wrong; transformers then takes the largest token, and so the last of the
  // vocabulary.
  const end =
    text.eos_token_id === undefined || text.eos_token_id === 2 ? vocabulary - 1 : wholeNumber(text, 'eos_token_id')
  if (end >= vocabulary) refuse(`eos_token_id must be one of ${vocabulary} tokens, found ${end}`)
  return {
    text: {
      ...tower(text, defaults.text),
      vocabulary,
      context: wholeNumber(text, 'max_position_embeddings', defaults.text.max_position_embeddings),
      end
    },
    vision: { ...tower(vision, defaults.vision), imageSize, patchSize },
    projection: wholeNumber(root, 'projection_dim', 512),
    activation: activation,
    eps: eps
  }
}

/** The config as JSON for Hugging Face and transformers.js: the inverse of `parseClipConfig`. */
export function clipConfigJson({
  text,
  vision,
  projection,
  activation,
  eps
}: ClipConfig): Readonly<Record<string, unknown>> {
  const tower = ({ width, depth, heads, mlpWidth }: Tower) => ({
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    intermediate_size: mlpWidth,
    hidden_act: activation,
    layer_norm_eps: eps,
    projection_dim: projection
  })
  return {
    model_type: 'clip',
    architectures: ['CLIPModel'],
    projection_dim: projection,
    text_config: {
      model_type: 'clip_text_model',
      ...tower(text),
      vocab_size: text.vocabulary,
      max_position_embeddings: text.context,
      eos_token_id: text.end,
      bos_token_id: text.end - 1,
      pad_token_id: text.end
    },
    vision_config: {
      model_type: 'clip_vision_model',
      ...tower(vision),
      image_size: vision.imageSize,
      patch_size: vision.patchSize
    }
  }
}
