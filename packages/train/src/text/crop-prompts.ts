import { normalized, type Clip } from '@sam/clip'
import { InputError } from '@sam/core/graph'
import type { Example, Target } from '../example.js'
import type { Plane } from '../prompts/plane.js'
import type { Random } from '../random.js'
import type { Recipe } from '../recipes.js'
import { bareMask } from './bare-mask.js'
import { anyCrop, type CropChances } from './crop-rule.js'

/** What text prompts are learnt from: a CLIP's picture side. */
export type CropTeacher = Pick<Clip, 'embedCrops' | 'width'>

/** Throws `InputError` `E_BAD_OPTION` where a recipe with text prompts has no CLIP, or one of another width. */
export function checkTeacher({ name, text }: Pick<Recipe, 'name' | 'text'>, clip: CropTeacher | undefined): void {
  if (!text || clip?.width === text.width) return
  throw new InputError('E_BAD_OPTION', `recipe ${name}: text prompts of ${text.width} numbers need a CLIP that gives as many, found ${clip ? `one of ${clip.width}` : 'none'}`)
}

export interface CropPromptOptions {
  readonly clip: CropTeacher
  /** Probability that an object's first prompt is its crop. */
  readonly share: number
  /** How crops are cut; as in the paper unless told. */
  readonly crop?: CropChances | undefined
  /** Probability that a crop is without something that lies on its object (`bareMask`); 0 unless told. */
  readonly bare?: number | undefined
  /** How far `moved` moves at most; nothing unless told. */
  readonly noise?: number | undefined
}

/**
 * Embeddings of the crops of those objects whose first prompt is to be one, undefined for the others; `targets` are of the examples in their order, as many of
 * each. Each crop is cut anew. Paper: D.5.
 */
export async function cropPrompts(draw: Random, { examples, targets }: { examples: readonly Example[]; targets: readonly Target[] }, { clip, share, crop, bare = 0, noise = 0 }: CropPromptOptions): Promise<(Float32Array | undefined)[]> {
  const each = targets.length / examples.length
  const texts: (Float32Array | undefined)[] = []
  for (const [k, { photo: { width, height }, photo, targets: all }] of examples.entries()) {
    const maskOf = ({ truth }: Target): Plane => ({ width, height, data: truth.mask })
    const others = all.map(maskOf)
    const chosen = targets.slice(k * each, (k + 1) * each).map(target => ({ mask: maskOf(target), rule: anyCrop(draw, crop), isText: draw.chance(share) }))
    const cut = chosen.filter(c => c.isText)
    const masks = cut.map(c => bareMask(draw, c.mask, { others, probability: bare }))
    const embeddings = cut.length ? await clip.embedCrops(photo, masks, { rules: cut.map(c => c.rule) }) : []
    texts.push(...chosen.map(c => c.isText ? embeddings[cut.indexOf(c)] : undefined))
  }
  const given = texts.filter(text => text !== undefined)
  return texts.map(text => text && moved(draw, text, { most: noise, among: given }))
}

/**
 * The embedding moved in a direction by chance, by up to `most` of its own length 1, and of length 1 again. A phrase's embedding lies some way off from its
 * picture's: a model that was shown the exact pictures alone does not know what lies between (Nukrai et al. 2022, "Text-only training for image captioning using noise-injected CLIP").
 * The direction is a mixture by chance of embeddings `among` which it is one: what is embedded takes up few of all directions, and a phrase strays in these.
 */
export function moved(draw: Random, embedding: Float32Array, { most, among }: { most: number; among: readonly Float32Array[] }): Float32Array {
  if (!most) return embedding
  const mixture = new Float32Array(embedding.length)
  for (const other of among) {
    const part = draw.normal()
    for (let k = 0; k < mixture.length; k++) mixture[k] += part * other[k]
  }
  const [direction, by] = [normalized(mixture), draw.between(0, most)]
  return normalized(embedding.map((x, k) => x + by * direction[k]))
}
