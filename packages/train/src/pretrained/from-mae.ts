import { openWeights, type SamConfig, type WeightsLike } from '@sam/core'
import { gridSize, isVit } from '@sam/core/model'
import {
  applyTaps,
  f32,
  InputError,
  match,
  renamed,
  sizeOf,
  type HostTensor,
  type Shape,
  type WeightInfo
} from '@sam/core/graph'
import { initialParams, paramShapes } from './init.js'
import { bicubicTaps } from './bicubic.js'

export interface MaeOptions {
  /** Seed of the params that MAE does not have: neck, prompt encoder, mask decoder. Default: 1. */
  readonly seed?: number
  readonly signal?: AbortSignal
}

type Params = Record<string, HostTensor<'f32'>>

/** Tensors without a counterpart in SAM: class token, final norm, and the pretraining decoder. */
const unused = /^(cls_token|mask_token|norm\.(weight|bias)|decoder_.*)$/

/** A name in MAE's checkpoint → in SAM's. */
const samName = (name: string): string => `image_encoder.${name.replace(/\.mlp\.fc([12])\./, '.mlp.lin$1.')}`

/**
 * Initial params from a checkpoint of MAE pretraining (`mae_pretrain_vit_base.pth`, with or without its
 * decoder): the encoder's blocks and patch embedding under SAM's names; the position embedding without the class
 * token's, resized bicubically to the model's grid; relative positions 0. A patch embedding of another size (MAE's
 * ViT-H has patches of 14 pixels) is resized the same way, as ViTDet does. All else is as `initialParams` has it.
 * Tensors are read one at a time, by range; unused ones are not read. Throws `WeightsMismatchError` with every missing,
 * unexpected and misshapen name, `WeightsError` for an invalid file, `InputError` when the model's encoder is not a
 * ViT. Paper: Appendix A, "Training recipe". Public code: MAE, util/pos_embed.py#interpolate_pos_embed; ViTDet,
 * backbone/utils.py#get_abs_pos.
 */
export async function fromMae(
  from: WeightsLike,
  config: SamConfig,
  { seed = 1, signal }: MaeOptions = {}
): Promise<Params> {
  const { imageEncoder: vit } = config
  if (!isVit(vit)) {
    throw new InputError(
      'E_BAD_OPTION',
      `${config.name}: MAE pretrains a ViT, found another image encoder; use initial weights of that encoder`
    )
  }
  const opened = await openWeights(from, { signal })
  try {
    const source = renamed(opened, name => (unused.test(name) ? undefined : samName(name)))
    const shapes = paramShapes(config)
    const wanted = [...shapes].filter(([name]) => isPretrained(name)).map(([name, shape]) => ({ name, shape }))
    const found = (name: string): WeightInfo | undefined => (source.has(name) ? source.info(name) : undefined)
    // These two may have another size.
    const side = Math.max(1, Math.round(Math.sqrt((found(position)?.shape[1] ?? 0) - 1) || gridSize(config)))
    const patch = found(kernel)?.shape[2] || vit.patchSize
    const asStored: Readonly<Record<string, Shape>> = {
      [position]: [1, 1 + side * side, vit.width],
      [kernel]: [vit.width, 3, patch, patch]
    }
    match(
      wanted.map(({ name, shape }) => ({ name, shape: asStored[name] ?? shape })),
      source
    )

    // All params of the blocks come from MAE, except relative positions: none is sampled only to be replaced.
    const params = initialParams({ ...config, imageEncoder: { ...vit, depth: 0 } }, seed)
    for (const [name, shape] of shapes)
      if (relative.test(name)) params[name] = f32(shape, new Float32Array(sizeOf(shape)))
    for (const { name, shape } of wanted) {
      const { data } = await source.read(name, signal)
      const values =
        name === position
          ? squareResized(data.subarray(vit.width), { side, to: gridSize(config), inner: vit.width })
          : name === kernel
            ? squareResized(data, { side: patch, to: vit.patchSize, outer: vit.width * 3 })
            : data
      params[name] = f32(shape, values)
    }
    return Object.fromEntries([...shapes.keys()].map(name => [name, params[name]]))
  } finally {
    if (opened !== from) await opened.close()
  }
}

const relative = /\.rel_pos_[hw]$/
/** Whether MAE has this param: those of the encoder without the neck. */
const isPretrained = (name: string): boolean => /^image_encoder\.(?!neck\.)/.test(name) && !relative.test(name)

const position = 'image_encoder.pos_embed'
const kernel = 'image_encoder.patch_embed.proj.weight'

interface SquareOptions {
  readonly side: number
  readonly to: number
  readonly outer?: number
  readonly inner?: number
}

/** [outer, side, side, inner] → [outer, to, to, inner]. */
function squareResized(data: Float32Array, { side, to, outer = 1, inner = 1 }: SquareOptions): Float32Array {
  if (side === to) return data.slice()
  const taps = bicubicTaps(side, to)
  return applyTaps(taps, applyTaps(taps, data, { outer, inner: side * inner }), { outer: outer * to, inner })
}
