import { normalized, type Clip, type ClipConfig } from '@sam/clip'
import { InputError } from '@sam/core/graph'
import { joined } from '../joined.js'
import type { Prepared } from '../prepared.js'
import type { Random } from '../random.js'
import type { Recipe } from '../recipes.js'

/** What text prompts are learnt from: a CLIP's picture side. */
export interface CropTeacher extends Pick<Clip, 'embedCropFeeds' | 'width'> {
  readonly config: Pick<ClipConfig, 'vision'>
}

/** Throws `InputError` `E_BAD_OPTION` where a recipe with text prompts has no CLIP, or one of another width. */
export function checkTeacher({ name, text }: Pick<Recipe, 'name' | 'text'>, clip: CropTeacher | undefined): void {
  if (!text || clip?.width === text.width) return
  throw new InputError(
    'E_BAD_OPTION',
    `recipe ${name}: text prompts of ${text.width} numbers need a CLIP that gives as many, found ${clip ? `one of ${clip.width}` : 'none'}`
  )
}

/**
 * The embeddings of all crops of a batch, in the order of its objects; undefined for those that are first asked for
 * otherwise. Without crops no CLIP is needed.
 */
export async function cropPrompts(
  batch: readonly Pick<Prepared, 'first' | 'crops'>[],
  clip: CropTeacher | undefined
): Promise<(Float32Array | undefined)[]> {
  const crops = batch.flatMap(one => one.crops ?? [])
  const embeddings =
    clip && crops.length
      ? await clip.embedCropFeeds({
          pixel_values: joined(crops.map(c => c.pixel_values)),
          mask_patches: joined(crops.map(c => c.mask_patches))
        })
      : []
  let at = 0
  return batch.flatMap(({ first, crops: own }) => first.map(prompt => (prompt || !own ? undefined : embeddings[at++])))
}

/**
 * Embeddings each moved in a direction by chance, by up to `most` of its own length 1, and of length 1 again. A
 * phrase's embedding lies some way off from its picture's: a model that was shown the exact pictures alone does not
 * know what lies between (Nukrai et al. 2022, "Text-only training for image captioning using noise-injected CLIP"). The
 * direction is a mixture by chance of all of them: what is embedded takes up few of all directions, and a phrase strays
 * in these.
 */
export function moved(
  draw: Random,
  embeddings: readonly (Float32Array | undefined)[],
  most: number
): (Float32Array | undefined)[] {
  const among = embeddings.filter(embedding => embedding !== undefined)
  return embeddings.map(embedding => {
    if (!embedding || !most) return embedding
    const mixture = new Float32Array(embedding.length)
    for (const other of among) {
      const part = draw.normal()
      for (let k = 0; k < mixture.length; k++) mixture[k] += part * other[k]
    }
    const [direction, by] = [normalized(mixture), draw.between(0, most)]
    return normalized(embedding.map((x, k) => x + by * direction[k]))
  })
}
