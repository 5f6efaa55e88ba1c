import { isDeepStrictEqual } from 'node:util'
import { patchGrid, type ClipConfig } from '@sam/clip'
import { f32, InputError, type HostTensor } from '@sam/core/graph'
import { interpolatePositions, resamplePatchEmbed } from './sam.js'
import { patchesName, placesName } from '../contrastive/step.js'

type Params = Readonly<Record<string, HostTensor>>

/**
 * Params of a trained CLIP for one whose vision model has smaller patches, as `resampleSam` does for a SAM. Unchanged
 * for the same patch size. Throws `InputError` `E_BAD_OPTION` for a CLIP that differs in anything else, or whose
 * patches are not larger by an integer factor.
 */
export function resampleClip(params: Params, from: ClipConfig, to: ClipConfig): Params {
  const [a, b] = [from.vision, to.vision]
  const alike = isDeepStrictEqual({ ...from, vision: { ...a, patchSize: b.patchSize } }, to)
  if (!alike || a.patchSize % b.patchSize)
    throw new InputError(
      'E_BAD_OPTION',
      `a CLIP to go on from must be as the recipe's but for larger patches, a whole number of times ${b.patchSize} pixels, found ${JSON.stringify(from)}`
    )
  if (a.patchSize === b.patchSize) return params
  const [coarse, fine] = [patchGrid(a), patchGrid(b)]
  const { data } = params[placesName]
  const places = [
    ...data.slice(0, a.width),
    ...interpolatePositions(data.slice(a.width), { from: coarse, to: fine, width: a.width })
  ] // the class token has no place in the grid
  return {
    ...params,
    [patchesName]: resamplePatchEmbed(params[patchesName], b.patchSize),
    [placesName]: f32([1 + fine ** 2, a.width], places)
  }
}
