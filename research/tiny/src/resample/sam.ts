import type { SamConfig } from '@sam/core'
import { gridSize, isVit } from '@sam/core/model'
import { applyTaps, bilinearTaps, f32, InputError, type HostTensor } from '@sam/core/graph'

type Params = Readonly<Record<string, HostTensor>>

/**
 * Whether two models differ only in that the second has smaller patches, by an integer factor: `resampleSam` turns the
 * params of the first into those of the second.
 */
export function canResample(from: SamConfig, to: SamConfig): boolean {
  const [a, b] = [from.imageEncoder, to.imageEncoder]
  if (!isVit(a) || !isVit(b) || a.patchSize <= b.patchSize || a.patchSize % b.patchSize) return false
  return (
    JSON.stringify({ ...from, name: '', imageEncoder: { ...a, patchSize: 0 } }) ===
    JSON.stringify({ ...to, name: '', imageEncoder: { ...b, patchSize: 0 } })
  )
}

/**
 * Params of a trained model for one with smaller patches: models with large patches train in a fraction of the time.
 * Absolute and relative positions are interpolated linearly, as in Meta's get_rel_pos. Throws `InputError`
 * `E_BAD_OPTION` unless `canResample`.
 */
export function resampleSam(params: Params, from: SamConfig, to: SamConfig): Record<string, HostTensor> {
  const [a, b] = [from.imageEncoder, to.imageEncoder]
  if (!canResample(from, to) || !isVit(a) || !isVit(b))
    throw new InputError(
      'E_BAD_OPTION',
      `${from.name} must differ from ${to.name} in larger patches alone, found other differences`
    )
  const [coarse, fine] = [gridSize(from), gridSize(to)]
  const ranges = bilinearTaps(2 * coarse - 1, 2 * fine - 1)
  return Object.fromEntries(
    Object.entries(params).map(([name, tensor]) => {
      const { data, shape } = tensor
      if (name === 'image_encoder.patch_embed.proj.weight') return [name, resamplePatchEmbed(tensor, b.patchSize)]
      if (name === 'image_encoder.pos_embed')
        return [
          name,
          f32([1, fine, fine, a.width], interpolatePositions(data, { from: coarse, to: fine, width: a.width }))
        ]
      const block = Number(/\.blocks\.(\d+)\.attn\.rel_pos_[hw]$/.exec(name)?.[1] ?? -1)
      return [
        name,
        a.globalBlocks.includes(block)
          ? f32([2 * fine - 1, shape[1]], applyTaps(ranges, data, { inner: shape[1] }))
          : tensor
      ]
    })
  )
}

/**
 * Resamples a patch embedding [width, 3, side, side] to [width, 3, to, to]: it gives for a patch what the original
 * gives for the patch enlarged. timm: resample_patch_embed.
 */
export function resamplePatchEmbed(
  { data, shape: [width, channels, side] }: HostTensor,
  to: number
): HostTensor<'f32'> {
  const out = new Float32Array(width * channels * to ** 2)
  const ratio = side / to
  for (let i = 0; i < data.length; i++) {
    const [plane, y, x] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side]
    out[(plane * to + Math.floor(y / ratio)) * to + Math.floor(x / ratio)] += data[i]
  }
  return f32([width, channels, to, to], out)
}

/** Interpolates a position table [from, from, width] linearly to [to, to, width]. */
export function interpolatePositions(
  data: ArrayLike<number>,
  { from, to, width }: { from: number; to: number; width: number }
): Float32Array {
  const sides = bilinearTaps(from, to)
  return applyTaps(sides, applyTaps(sides, data, { inner: from * width }), { outer: to, inner: width })
}
