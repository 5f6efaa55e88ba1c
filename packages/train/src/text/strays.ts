import { cropFeeds } from '@sam/clip'
import type { Dataset } from '../data/dataset.js'
import { random } from '../random.js'
import type { CropTeacher } from './crop-prompts.js'
import { anyCrop, isNameable, type CropChances } from './crop-rule.js'
import { seenIn } from './phrase.js'

export interface StrayOptions {
  readonly clip: CropTeacher
  readonly seed: number
  /** How crops are cut; as in the paper unless told. */
  readonly crop?: CropChances | undefined
}

/** So many crops tell how like things differ, in the twenty-odd directions that a small CLIP's embeddings take; and so many samples are looked at for them. */
const [crops, samples] = [600, 400]

/**
 * How embeddings of like things stray from one another: differences between crops of two things of one kind and colour, in different samples. A phrase is as true of one as of the other, and its own
 * embedding lies as far from either's: much where they differ by chance, little where they tell what a thing is. None from data that does not say what its masks are of.
 */
export async function straysOf(data: Dataset, { clip, seed, crop }: StrayOptions): Promise<Float32Array[]> {
  const like = new Map<string, Float32Array>()
  const strays: Float32Array[] = []
  const read = new Set<number>()
  for (let i = 0, count = 0; read.size < Math.min(samples, data.size) && count < crops; i++) {
    const source = data.source?.(i) ?? i
    if (read.has(source)) continue
    read.add(source)
    const draw = random(seed, i, strayKey)
    const sample = await data.read(i).catch(() => undefined) // whoever trains on it sees why
    if (!sample) continue
    const { image: photo, truths } = sample
    const things = seenIn(sample).flatMap((seen, k) => {
      const mask = { width: photo.width, height: photo.height, data: truths[k].mask }
      return seen && !seen.obscured && isNameable(mask) ? [{ mask, name: `${seen.about.color} ${seen.about.noun}` }] : []
    })
    if (!things.length) continue
    const embeddings = await clip.embedCropFeeds(cropFeeds(things.map(({ mask }) => ({ photo, mask, rule: anyCrop(draw, crop) })), clip.config))
    for (const [k, { name }] of things.entries()) {
      const other = like.get(name)
      if (other) strays.push(embeddings[k].map((x, j) => x - other[j]))
      like.set(name, embeddings[k])
    }
    count += things.length
  }
  return strays
}

/** Keeps these draws apart from others with as many keys. */
const strayKey = 0x535452
