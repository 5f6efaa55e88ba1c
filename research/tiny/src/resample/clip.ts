import { isDeepStrictEqual } from 'node:util'
import { patchGrid, type ClipConfig } from '@sam/clip'
import { f32, InputError, type HostTensor } from '@sam/core/graph'
import { interpolatePositions, resamplePatchEmbed } from './sam.js'
import { patchesName, positionsName } from '../contrastive/step.js'

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
      `an initial CLIP must differ from the recipe's in larger patches alone, a multiple of ${b.patchSize} ` +
        `pixels, found ${JSON.stringify(from)}`
    )
  if (a.patchSize === b.patchSize) return params
  const [coarse, fine] = [patchGrid(a), patchGrid(b)]
  const { data } = params[positionsName]
  // The class token is not in the grid.
  const positions = [
    ...data.slice(0, a.width),
    ...interpolatePositions(data.slice(a.width), { from: coarse, to: fine, width: a.width })
  ]
  return {
    ...params,
    [patchesName]: resamplePatchEmbed(params[patchesName], b.patchSize),
    [positionsName]: f32([1 + fine ** 2, a.width], positions)
  }
}
