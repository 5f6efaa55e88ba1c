import { brief, refusing, type Refuse } from '../errors.js'
import { formatShape, type Shape } from '../tensor/shape.js'
import { samPrefixes } from '../weights/sam-prefix.js'
import type { WeightSource } from '../weights/source.js'
import { configs, isTinyVit, isVit, mobileSam, type SamConfig, type TinyVitConfig, type VitConfig } from './config.js'
import { checkConfig, configLimits, parseConfig } from './parse-config.js'

/** Metadata key under which our files store their configuration. */
export const configKey = 'sam_config'

/** Width of the published decoders, and their number of heads: with this width, no other is known to exist. */
const published = { width: 256, heads: 8 }

/** What the shapes of a checkpoint's tensors do not determine. */
export interface Undetermined {
  /**
   * Attention heads of the mask decoder. Known for the published width of 256 (8 heads); elsewhere it must be given.
   */
  readonly decoderHeads?: number | undefined
}

/**
 * The configuration of a checkpoint: from its own metadata, or read off the shapes of its tensors; undefined when it is
 * not a SAM. A published configuration keeps its name. Layer-norm epsilons and the order of qkv are those of Meta's and
 * MobileSAM's code, which has no option for them. Takes time in proportion to the number of tensors, and builds no
 * graph.
 *
 * Throws `WeightsError` `E_WEIGHTS_MISMATCH` where the shapes leave something open that changes the masks, and `known`
 * does not give it: heads of a decoder that is not 256 wide, an image that is not square, windows of several sizes,
 * several SAMs in one file. Also where metadata and shapes disagree, and for values past the limits of `parseConfig`.
 */
export function recognise(source: WeightSource, known: Undetermined = {}): SamConfig | undefined {
  const refuse: Refuse = refusing('E_WEIGHTS_MISMATCH', `${source.label}: `)
  const shapes = shapesOf(reader(source, refuse))
  const told = source.metadata[configKey]
  if (told !== undefined) {
    const config = parseConfig(told, source.label)
    compare(config, shapes, refuse)
    return config
  }
  const { neck, maskConv, maskTokens, mlp, iou } = shapes
  const encoder = recogniseVit(shapes.vit, refuse) ?? shapes.tinyVit
  if (!encoder || !neck || !maskConv || !maskTokens || !mlp || !iou) {
    refuseSeveral(source.names, refuse)
    return undefined
  }

  const width = neck[0]
  const heads = known.decoderHeads ?? (width === published.width ? published.heads : undefined)
  if (heads === undefined) {
    return refuse(
      `the number of attention heads of the mask decoder must be known, and neither metadata nor shapes of this file ` +
        `tell it (the decoder is ${width} wide; ${published.heads} heads are known for ${published.width} alone); ` +
        `give it: loadSam({ …, decoderHeads }), or --decoder-heads on the command line`
    )
  }
  if (!Number.isInteger(heads) || heads < 1 || (width / 2) % heads) {
    refuse(`the number of decoder heads must divide half the width, ${width / 2}, found ${heads}`)
  }
  const config: SamConfig = {
    name: brief(source.label.split(/[\\/]/).pop()!), // a path of one computer says nothing on another
    ...encoder,
    width,
    maskChannels: maskConv[0],
    decoder: {
      depth: shapes.decoderDepth,
      heads,
      mlpWidth: mlp[0],
      iouHiddenWidth: iou[0],
      multimaskOutputs: maskTokens[0] - 1
    }
  }
  checkConfig(config, why => refuse(`the shapes of its tensors must be those of a SAM; ${why}`))
  return Object.values(configs).find(known => sameNumbers(known, config)) ?? config
}

/** What is read of a file: shapes, and how many layers are numbered under a name. */
interface Reader {
  /** Of a tensor with this many dimensions; undefined where the file does not have it. */
  readonly shape: (name: string, rank: number) => Shape | undefined
  /** How many of `prefix.0.`, `prefix.1.` … begin a name, up to the first that begins none. */
  readonly layers: (prefix: string) => number
}

function reader(source: WeightSource, refuse: Refuse): Reader {
  // Every numbered prefix of a name, collected in one pass over the names.
  const numbered = new Set<string>()
  for (const name of source.names)
    for (const { index } of name.matchAll(/(?<=\.\d+)\./g)) numbered.add(name.slice(0, index))
  return {
    shape(name, rank) {
      if (!source.has(name)) return undefined
      const found = source.info(name).shape
      return found.length === rank && found.every(size => size > 0)
        ? found
        : refuse(`${name} must have ${rank} dimensions and elements, found ${formatShape(found)}`)
    },
    layers(prefix) {
      const most = configLimits.imageEncoder.depth.to
      let n = 0
      while (numbered.has(`${prefix}.${n}`)) n++
      return n <= most ? n : refuse(`${prefix} must have at most ${most} blocks, found ${n}`)
    }
  }
}

const decoderLayers = 'mask_decoder.transformer.layers'

/** The tensors that a configuration can be read off; those that a file does not have are undefined. */
function shapesOf(read: Reader) {
  const { shape, layers } = read
  return {
    vit: vitShapes(read),
    tinyVit: recogniseTinyVit(read),
    neck: shape('image_encoder.neck.0.weight', 4),
    maskConv: shape('prompt_encoder.mask_downscaling.3.weight', 4),
    maskTokens: shape('mask_decoder.mask_tokens.weight', 2),
    mlp: shape(`${decoderLayers}.0.mlp.lin1.weight`, 2),
    iou: shape('mask_decoder.iou_prediction_head.layers.0.weight', 2),
    decoderDepth: layers(decoderLayers)
  }
}

/** Those of a ViT. */
function vitShapes({ shape, layers }: Reader) {
  const blocks = 'image_encoder.blocks'
  return {
    position: shape('image_encoder.pos_embed', 4),
    patch: shape('image_encoder.patch_embed.proj.weight', 4),
    lin1: shape(`${blocks}.0.mlp.lin1.weight`, 2),
    tables: Array.from({ length: layers(blocks) }, (_, i) => shape(`${blocks}.${i}.attn.rel_pos_h`, 2))
  }
}

type Shapes = ReturnType<typeof shapesOf>

/** An image encoder, and the side of the images that it takes. */
interface Recognised<Encoder> {
  readonly imageSize: number
  readonly imageEncoder: Encoder
}

/** A ViT, or undefined where the names are not a ViT's. */
function recogniseVit(
  { position, patch, lin1, tables }: Shapes['vit'],
  refuse: Refuse
): Recognised<VitConfig> | undefined {
  if (!position || !patch || !tables.length || tables.includes(undefined)) return undefined
  const [, grid, columns, width] = position as [number, number, number, number]
  if (grid !== columns || patch[2] !== patch[3]) {
    refuse(
      `the model must take square images, found ${grid} × ${columns} positions and patches of ${patch[2]} × ${patch[3]}`
    )
  }
  // Where window and grid have the same side, windowed and global attention compute the same.
  const sides = tables.map(t => (t![0] + 1) / 2)
  const windows = [...new Set(sides.filter(side => side !== grid))]
  if (windows.length > 1) {
    refuse(
      `the attention windows must have one size, found sides of ${windows.slice(0, 5).join(', ')} on a grid of ${grid}`
    )
  }
  return {
    imageSize: grid * patch[2],
    imageEncoder: {
      patchSize: patch[2],
      width,
      depth: tables.length,
      heads: width / tables[0]![1],
      mlpRatio: (lin1?.[0] ?? 4 * width) / width,
      window: windows[0] ?? grid,
      globalBlocks: sides.flatMap((side, i) => (side === grid ? [i] : []))
    }
  }
}

/**
 * A TinyViT, or undefined where the names are not a TinyViT's. It has no positions, so nothing in the file tells the
 * image's side: it is MobileSAM's.
 */
function recogniseTinyVit({ shape, layers }: Reader): Recognised<TinyVitConfig> | undefined {
  const stages = Array.from({ length: layers('image_encoder.layers') }, (_, i) => `image_encoder.layers.${i}`)
  const [first, second] = stages
  if (second === undefined) return undefined
  const widen = shape(`${first}.blocks.0.conv1.c.weight`, 4)
  const tables = stages.slice(1).map(stage => shape(`${stage}.blocks.0.attn.attention_biases`, 2))
  const norms = stages.slice(1).map(stage => shape(`${stage}.blocks.0.attn.norm.weight`, 1))
  const hidden = shape(`${second}.blocks.0.mlp.fc1.weight`, 2)
  const local = shape(`${second}.blocks.0.local_conv.c.weight`, 4)
  if (!widen || !hidden || !local || tables.includes(undefined) || norms.includes(undefined)) return undefined
  return {
    imageSize: mobileSam.imageSize,
    imageEncoder: {
      widths: [widen[1], ...norms.map(norm => norm![0])],
      depths: stages.map(stage => layers(`${stage}.blocks`)),
      heads: tables.map(table => table![0]),
      windows: tables.map(table => Math.sqrt(table![1])),
      mlpRatio: hidden[0] / hidden[1],
      expandRatio: widen[0] / widen[1],
      localConvSize: local[2]
    }
  }
}

function refuseSeveral(names: readonly string[], refuse: Refuse): void {
  const prefixes = samPrefixes(names)
  if (prefixes.length <= 1) return
  const some = prefixes.slice(0, 5).map(prefix => `'${brief(prefix)}'`)
  refuse(`the file must hold one SAM, found ${prefixes.length}, under ${some.join(', ')}; save one of them alone`)
}

/** Refuses a configuration from metadata that the tensors of the same file contradict. */
function compare(config: SamConfig, shapes: Shapes, refuse: Refuse): void {
  const { decoder, width, imageEncoder: encoder } = config
  const { neck, maskConv, maskTokens, mlp, iou, decoderDepth } = shapes
  const wanted: [what: string, found: Shape | undefined, told: Shape][] = [
    ['neck', neck?.slice(0, 1), [width]],
    ['mask prompt', maskConv?.slice(0, 1), [config.maskChannels]],
    ['mask tokens', maskTokens, [decoder.multimaskOutputs + 1, width]],
    ['decoder MLP', mlp, [decoder.mlpWidth, width]],
    ['IoU head', iou, [decoder.iouHiddenWidth, width]],
    ['decoder layers', mlp && [decoderDepth], [decoder.depth]]
  ]
  if (isVit(encoder)) {
    const { position, patch, lin1, tables } = shapes.vit
    const grid = config.imageSize / encoder.patchSize
    wanted.push(
      ['position embedding', position, [1, grid, grid, encoder.width]],
      ['patch embedding', patch, [encoder.width, 3, encoder.patchSize, encoder.patchSize]],
      ['first MLP', lin1, [Math.round(encoder.width * encoder.mlpRatio), encoder.width]],
      ['relative positions', tables[0]?.slice(1), [encoder.width / encoder.heads]],
      ['encoder blocks', position && [tables.length], [encoder.depth]]
    )
  } else if (isTinyVit(encoder)) {
    const found = shapes.tinyVit?.imageEncoder
    for (const key of ['widths', 'depths', 'heads', 'windows'] as const)
      wanted.push([`encoder ${key}`, found?.[key], encoder[key]])
  }
  const wrong = wanted.filter(([, found, told]) => found !== undefined && formatShape(found) !== formatShape(told))
  if (wrong.length > 0) {
    refuse(
      `its metadata (${configKey}) and its tensors must agree, found ` +
        wrong.map(([what, found, told]) => `${what} ${formatShape(told)} and ${formatShape(found!)}`).join('; ')
    )
  }
}

const sameNumbers = (a: SamConfig, b: SamConfig): boolean =>
  canonical({ ...a, name: '' }) === canonical({ ...b, name: '' })

/** JSON with sorted keys: equal for equal configurations. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v
  )
