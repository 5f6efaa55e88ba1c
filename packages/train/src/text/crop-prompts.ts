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
  throw new InputError('E_BAD_OPTION', `recipe ${name}: text prompts of ${text.width} numbers need a CLIP that gives as many, found ${clip ? `one of ${clip.width}` : 'none'}`)
}

/** The embeddings of all crops of a batch, in the order of its objects; undefined for those that are first asked for otherwise. */
export async function cropPrompts(batch: readonly Pick<Prepared, 'first' | 'crops'>[], clip: CropTeacher): Promise<(Float32Array | undefined)[]> {
  const crops = batch.flatMap(one => one.crops ?? [])
  const embeddings = crops.length ? await clip.embedCropFeeds({ pixel_values: joined(crops.map(c => c.pixel_values)), mask_patches: joined(crops.map(c => c.mask_patches)) }) : []
  let at = 0
  return batch.flatMap(({ first, crops: own }) => first.map(prompt => prompt || !own ? undefined : embeddings[at++]))
}

/**
 * An embedding strayed by chance, by up to `most` times one of the `strays` (`straysOf`), and of length 1 again. A phrase's embedding lies some way off from its
 * picture's: a model that was shown the exact pictures alone does not know what lies between (Nukrai et al. 2022, "Text-only training for image captioning using noise-injected CLIP", whose noise
 * is the same in all directions, those too that tell what a thing is).
 */
export function strayed(draw: Random, embedding: Float32Array, { most, strays }: { most: number; strays: readonly Float32Array[] }): Float32Array {
  if (!most || !strays.length) return embedding
  const [stray, by] = [draw.pick(strays), draw.between(0, most) * (draw.chance(0.5) ? 1 : -1)]
  return normalized(embedding.map((x, k) => x + by * stray[k]))
}
