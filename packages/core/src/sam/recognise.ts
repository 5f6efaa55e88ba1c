import { WeightsError } from '../errors.js'
import type { WeightSource } from '../weights/source.js'
import { configs, isTinyVit, mobileSam, type SamConfig, type TinyVitConfig, type VitConfig } from './config.js'

/** Metadata key under which our files store their configuration. */
export const configKey = 'sam_config'

/** Width of the published decoders, and their number of heads: with this width, no other is known to exist. */
const published = { width: 256, heads: 8 }

/** What the shapes of a checkpoint's tensors do not determine. */
export interface Undetermined {
  /** Attention heads of the mask decoder. Known for the published width of 256 (8 heads); elsewhere it must be given. */
  readonly decoderHeads?: number | undefined
}

/**
 * The configuration of a checkpoint: from its own metadata, or read off the shapes of its tensors; undefined when it is
 * not a SAM. A published configuration keeps its name. Layer-norm epsilons and the order of qkv are those of Meta's code,
 * which has no option for them.
 *
 * Throws `WeightsError` `E_WEIGHTS_MISMATCH` where the shapes leave something open that changes the masks, and `known`
 * does not give it: heads of a decoder that is not 256 wide, an image that is not square, windows of several sizes.
 */
export function recognise(source: WeightSource, known: Undetermined = {}): SamConfig | undefined {
  const told = source.metadata[configKey]
  if (told !== undefined) return parseConfig(told, source.label)
  const { shape, count } = reader(source)
  const neck = shape('image_encoder.neck.0.weight')
  const maskConv = shape('prompt_encoder.mask_downscaling.3.weight')
  const maskTokens = shape('mask_decoder.mask_tokens.weight')
  const mlp = shape('mask_decoder.transformer.layers.0.mlp.lin1.weight')
  const iou = shape('mask_decoder.iou_prediction_head.layers.0.weight')
  if (!neck || !maskConv || !maskTokens || !mlp || !iou) return undefined
  const encoder = recogniseVit(source) ?? recogniseTinyVit(source)
  if (!encoder) return undefined

  const open = openQuestion(source)
  const embedding = neck[0]
  const heads = known.decoderHeads ?? (embedding === published.width ? published.heads : undefined)
  if (heads === undefined) {
    throw open(
      `the number of attention heads of the mask decoder must be known, and neither metadata nor shapes of this file ` +
        `tell it (the decoder is ${embedding} wide; ${published.heads} heads are known for ${published.width} alone); ` +
        `give it: loadSam({ …, decoderHeads }), or --decoder-heads on the command line`
    )
  }
  if (!Number.isInteger(heads) || heads < 1 || (embedding / 2) % heads) {
    throw open(`the number of decoder heads must divide half the width, ${embedding / 2}, found ${heads}`)
  }
  const config: SamConfig = {
    name: source.label.split(/[\\/]/).pop()!, // a path of one computer says nothing on another
    ...encoder,
    width: embedding,
    maskChannels: maskConv[0],
    decoder: {
      depth: count('mask_decoder.transformer.layers'),
      heads,
      mlpWidth: mlp[0],
      iouHiddenWidth: iou[0],
      multimaskOutputs: maskTokens[0] - 1
    }
  }
  return Object.values(configs).find(known => sameNumbers(known, config)) ?? config
}

/** What shapes tell: of one tensor, and how many numbered ones there are under a name. */
function reader(source: WeightSource) {
  const shape = (name: string): readonly number[] | undefined =>
    source.has(name) ? source.info(name).shape : undefined
  const count = (prefix: string): number => {
    let n = 0
    while (source.names.some(name => name.startsWith(`${prefix}.${n}.`))) n++
    return n
  }
  return { shape, count }
}

const openQuestion =
  (source: WeightSource) =>
  (what: string): WeightsError =>
    new WeightsError('E_WEIGHTS_MISMATCH', `${source.label}: ${what}`)

/** A ViT encoder and the image's side, or undefined where the names are not a ViT's. */
function recogniseVit(source: WeightSource): (Pick<SamConfig, 'imageSize'> & { imageEncoder: VitConfig }) | undefined {
  const { shape, count } = reader(source)
  const open = openQuestion(source)
  const position = shape('image_encoder.pos_embed')
  const patch = shape('image_encoder.patch_embed.proj.weight')
  const depth = count('image_encoder.blocks')
  const tables = Array.from({ length: depth }, (_, i) => shape(`image_encoder.blocks.${i}.attn.rel_pos_h`))
  if (position?.length !== 4 || patch?.length !== 4 || !depth || tables.some(t => t?.length !== 2)) return undefined
  const [, grid, columns, width] = position as [number, number, number, number]
  if (grid !== columns || patch[2] !== patch[3]) {
    throw open(
      `the model must take square images, found ${grid} × ${columns} positions and patches of ${patch[2]} × ${patch[3]}`
    )
  }
  // Where window and grid have the same side, windowed and global attention compute the same.
  const sides = tables.map(t => (t![0] + 1) / 2)
  const windows = [...new Set(sides.filter(side => side !== grid))]
  if (windows.length > 1) {
    throw open(`the attention windows must have one size, found sides of ${windows.join(', ')} on a grid of ${grid}`)
  }
  return {
    imageSize: grid * patch[2],
    imageEncoder: {
      patchSize: patch[2],
      width,
      depth,
      heads: width / tables[0]![1],
      mlpRatio: (shape('image_encoder.blocks.0.mlp.lin1.weight')?.[0] ?? 4 * width) / width,
      window: windows[0] ?? grid,
      globalBlocks: sides.flatMap((side, i) => (side === grid ? [i] : []))
    }
  }
}

/**
 * A TinyViT encoder, or undefined where the names are not a TinyViT's. It has no positions, so nothing in the file tells
 * the image's side: it is MobileSAM's.
 */
function recogniseTinyVit(
  source: WeightSource
): (Pick<SamConfig, 'imageSize'> & { imageEncoder: TinyVitConfig }) | undefined {
  const { shape, count } = reader(source)
  const layers = Array.from({ length: count('image_encoder.layers') }, (_, i) => `image_encoder.layers.${i}`)
  const depths = layers.map(layer => count(`${layer}.blocks`))
  const [widen, ...tables] = layers.map((layer, i) =>
    shape(`${layer}.blocks.0.${i ? 'attn.attention_biases' : 'conv1.c.weight'}`)
  )
  const hidden = shape(`${layers[1]}.blocks.0.mlp.fc1.weight`)
  const local = shape(`${layers[1]}.blocks.0.local_conv.c.weight`)
  if (widen?.length !== 4 || !tables.length || tables.some(t => t?.length !== 2) || !hidden || local?.length !== 4)
    return undefined
  return {
    imageSize: mobileSam.imageSize,
    imageEncoder: {
      widths: [widen[1], ...layers.slice(1).map(layer => shape(`${layer}.blocks.0.attn.norm.weight`)?.[0] ?? 0)],
      depths,
      heads: tables.map(t => t![0]),
      windows: tables.map(t => Math.sqrt(t![1])),
      mlpRatio: hidden[0] / hidden[1],
      expandRatio: widen[0] / widen[1],
      localConvSize: local[2]
    }
  }
}

/**
 * A configuration from JSON: a file of the caller's, or the metadata of a checkpoint. Throws `WeightsError`
 * `E_WEIGHTS_FORMAT`.
 */
export function parseConfig(json: string, label: string): SamConfig {
  const refuse = (why: string): never => {
    throw new WeightsError('E_WEIGHTS_FORMAT', `${label}: a model configuration must be a SamConfig as JSON; ${why}`)
  }
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    return refuse((cause as Error).message)
  }
  const check = (found: unknown, wanted: unknown, path: string): void => {
    if (Array.isArray(wanted)) {
      if (!Array.isArray(found) || !found.every(n => Number.isInteger(n) && n >= 0))
        refuse(`${path} must be a list of whole numbers`)
    } else if (typeof wanted === 'object') {
      if (typeof found !== 'object' || found === null) refuse(`${path} must be an object`)
      for (const [key, inner] of Object.entries(wanted!))
        check((found as Record<string, unknown>)[key], inner, `${path}.${key}`)
    } else if (
      typeof wanted === 'number'
        ? !(Number.isFinite(found) && (found as number) > 0 && (found as number) < 1e6)
        : typeof found !== 'string'
    ) {
      refuse(
        `${path} must be a ${typeof wanted === 'number' ? 'positive number' : 'string'}, found ${JSON.stringify(found)}`
      )
    }
  }
  const { imageEncoder } = (value ?? {}) as Partial<SamConfig>
  const tinyVit = typeof imageEncoder === 'object' && imageEncoder !== null && isTinyVit(imageEncoder)
  check(value, tinyVit ? mobileSam : configs.vit_b, 'config')
  return value as SamConfig
}

const sameNumbers = (a: SamConfig, b: SamConfig): boolean =>
  canonical({ ...a, name: '' }) === canonical({ ...b, name: '' })

/** JSON with sorted keys: equal for equal configurations. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v
  )
