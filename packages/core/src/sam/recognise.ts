import { brief, WeightsError } from '../errors.js'
import { formatShape, type Shape } from '../tensor/shape.js'
import { samPrefixes } from '../weights/sam-prefix.js'
import type { WeightSource } from '../weights/source.js'
import { configs, isVit, type SamConfig } from './config.js'
import { checkConfig, configLimits, parseConfig } from './parse-config.js'

export { parseConfig } from './parse-config.js'

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
 * which has no option for them. Takes time in proportion to the number of tensors, and builds no graph.
 *
 * Throws `WeightsError` `E_WEIGHTS_MISMATCH` where the shapes leave something open that changes the masks, and `known`
 * does not give it: heads of a decoder that is not 256 wide, an image that is not square, windows of several sizes,
 * several SAMs in one file. Also where metadata and shapes disagree, and for values past the limits of `parseConfig`.
 */
export function recognise(source: WeightSource, known: Undetermined = {}): SamConfig | undefined {
  const refuse = (what: string): never => {
    throw new WeightsError('E_WEIGHTS_MISMATCH', `${source.label}: ${what}`)
  }
  const shapes = shapesOf(source, refuse)
  const told = source.metadata[configKey]
  if (told !== undefined) {
    const config = parseConfig(told, source.label)
    compare(config, shapes, refuse)
    return config
  }
  const { position, patch, neck, maskConv, maskTokens, mlp, iou, lin1, tables, decoderDepth } = shapes
  const depth = tables.length
  if (
    !position ||
    !patch ||
    !neck ||
    !maskConv ||
    !maskTokens ||
    !mlp ||
    !iou ||
    !depth ||
    tables.includes(undefined)
  ) {
    const prefixes = samPrefixes(source.names)
    if (prefixes.length > 1)
      refuse(
        `the file must hold one SAM, found ${prefixes.length}, under ${prefixes
          .slice(0, 5)
          .map(prefix => `'${brief(prefix)}'`)
          .join(', ')}; save one of them alone`
      )
    return undefined
  }

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
  const embedding = neck[0]
  const heads = known.decoderHeads ?? (embedding === published.width ? published.heads : undefined)
  if (heads === undefined) {
    return refuse(
      `the number of attention heads of the mask decoder must be known, and neither metadata nor shapes of this file ` +
        `tell it (the decoder is ${embedding} wide; ${published.heads} heads are known for ${published.width} alone); ` +
        `give it: loadSam({ …, decoderHeads }), or --decoder-heads on the command line`
    )
  }
  if (!Number.isInteger(heads) || heads < 1 || (embedding / 2) % heads) {
    refuse(`the number of decoder heads must divide half the width, ${embedding / 2}, found ${heads}`)
  }
  const config: SamConfig = {
    name: brief(source.label.split(/[\\/]/).pop()!), // a path of one computer says nothing on another
    imageSize: grid * patch[2],
    imageEncoder: {
      patchSize: patch[2],
      width,
      depth,
      heads: width / tables[0]![1],
      mlpRatio: (lin1?.[0] ?? 4 * width) / width,
      window: windows[0] ?? grid,
      globalBlocks: sides.flatMap((side, i) => (side === grid ? [i] : []))
    },
    width: embedding,
    maskChannels: maskConv[0],
    decoder: {
      depth: decoderDepth,
      heads,
      mlpWidth: mlp[0],
      iouHiddenWidth: iou[0],
      multimaskOutputs: maskTokens[0] - 1
    }
  }
  checkConfig(config, why => refuse(`the shapes of its tensors must be those of a SAM; ${why}`))
  return Object.values(configs).find(known => sameNumbers(known, config)) ?? config
}

/** The tensors that a configuration can be read off; those that a file does not have are undefined. */
interface TellingShapes {
  readonly position?: Shape | undefined
  readonly patch?: Shape | undefined
  readonly lin1?: Shape | undefined
  readonly neck?: Shape | undefined
  readonly maskConv?: Shape | undefined
  readonly maskTokens?: Shape | undefined
  readonly mlp?: Shape | undefined
  readonly iou?: Shape | undefined
  /** `rel_pos_h` of each block of the image encoder. */
  readonly tables: readonly (Shape | undefined)[]
  readonly decoderDepth: number
}

const blocks = 'image_encoder.blocks'
const decoderLayers = 'mask_decoder.transformer.layers'

function shapesOf(source: WeightSource, refuse: (why: string) => never): TellingShapes {
  const shape = (name: string, rank: number): Shape | undefined => {
    if (!source.has(name)) return undefined
    const found = source.info(name).shape
    return found.length === rank && found.every(size => size > 0)
      ? found
      : refuse(`${name} must have ${rank} dimensions and elements, found ${formatShape(found)}`)
  }
  const depth = layersUnder(source.names, blocks)
  if (depth > configLimits.imageEncoder.depth.to)
    refuse(`the image encoder must have at most ${configLimits.imageEncoder.depth.to} blocks, found ${depth}`)
  return {
    position: shape('image_encoder.pos_embed', 4),
    patch: shape('image_encoder.patch_embed.proj.weight', 4),
    lin1: shape(`${blocks}.0.mlp.lin1.weight`, 2),
    neck: shape('image_encoder.neck.0.weight', 4),
    maskConv: shape('prompt_encoder.mask_downscaling.3.weight', 4),
    maskTokens: shape('mask_decoder.mask_tokens.weight', 2),
    mlp: shape(`${decoderLayers}.0.mlp.lin1.weight`, 2),
    iou: shape('mask_decoder.iou_prediction_head.layers.0.weight', 2),
    tables: Array.from({ length: depth }, (_, i) => shape(`${blocks}.${i}.attn.rel_pos_h`, 2)),
    decoderDepth: layersUnder(source.names, decoderLayers)
  }
}

/** How many of `prefix.0.`, `prefix.1.` … begin a name, up to the first that begins none. */
function layersUnder(names: readonly string[], prefix: string): number {
  const found = new Set<string>()
  for (const name of names) {
    if (!name.startsWith(`${prefix}.`)) continue
    const end = name.indexOf('.', prefix.length + 1)
    if (end > 0) found.add(name.slice(prefix.length + 1, end))
  }
  let n = 0
  while (found.has(String(n))) n++
  return n
}

/** Refuses a configuration from metadata that the tensors of the same file contradict. */
function compare(config: SamConfig, shapes: TellingShapes, refuse: (why: string) => never): void {
  if (!isVit(config.imageEncoder)) return
  const { patchSize, width, heads, depth, mlpRatio } = config.imageEncoder
  const grid = config.imageSize / patchSize
  const { decoder } = config
  const wanted: readonly (readonly [string, Shape | undefined, Shape])[] = [
    ['position embedding', shapes.position, [1, grid, grid, width]],
    ['patch embedding', shapes.patch, [width, 3, patchSize, patchSize]],
    ['first MLP', shapes.lin1, [Math.round(width * mlpRatio), width]],
    ['neck', shapes.neck, [config.width, width, 1, 1]],
    ['mask prompt', shapes.maskConv?.slice(0, 1), [config.maskChannels]],
    ['mask tokens', shapes.maskTokens, [decoder.multimaskOutputs + 1, config.width]],
    ['decoder MLP', shapes.mlp, [decoder.mlpWidth, config.width]],
    ['IoU head', shapes.iou, [decoder.iouHiddenWidth, config.width]],
    ['relative positions', shapes.tables[0]?.slice(1), [width / heads]],
    ['encoder blocks', shapes.position && [shapes.tables.length], [depth]],
    ['decoder layers', shapes.mlp && [shapes.decoderDepth], [decoder.depth]]
  ]
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
