import { join } from 'node:path'
import { isUnfit } from './check-sample.js'
import type { Dataset, Sample } from './dataset.js'
import { imageName, listFiles, stemOf, type ListedFile } from './image-files.js'
import { checkProportions, readPhoto, uprightMask, type LabelFrame, type Photo } from './label-frame.js'
import { checkMaskMemory } from './limits.js'
import { maskPicture, type MaskValues } from './mask-picture.js'
import { usable } from './segmentation.js'
import { unfit } from './unfit.js'

export interface ImageFolderOptions {
  /** How mask pictures are read. Default: by what they hold, see {@link MaskValues}. */
  readonly values?: MaskValues | undefined
  /** The picture that masks refer to. Default: `upright`. */
  readonly frame?: LabelFrame | undefined
}

/**
 * A folder with `images/` and `masks/`, both with the same sub-folders, if any: the masks of `images/cat.jpg` are
 * `masks/cat.png`, `masks/cat_1.png`, `masks/cat-anything.png`. A mask that fits several images belongs to the one with
 * the longest name. A mask picture is black and white, or holds one value or colour per object (`maskPicture`). Masks
 * that cannot be used are skipped and counted, and so are images without masks. Throws `InputError` `E_BAD_IMAGE` where
 * no image has masks, and where two images differ only in their extension.
 */
export async function imageFolder(folder: string, { values, frame }: ImageFolderOptions = {}): Promise<Dataset> {
  const what = `${folder} must hold the folders images and masks`
  const [images, masks] = await Promise.all([
    listFiles(join(folder, 'images'), imageName, what),
    listFiles(join(folder, 'masks'), imageName, what)
  ])
  const own = masksByImage(images, masks, folder)
  const pairs = images.map(image => ({ image, masks: own.get(stemOf(image.name))! })).filter(pair => pair.masks.length)
  if (!pairs.length)
    throw unfit(
      folder,
      'masks must be named like their images (images/cat.jpg, masks/cat.png or masks/cat_1.png), ' +
        `found ${images.length} images and ${masks.length} masks that do not match`
    )
  const matched = pairs.reduce((sum, pair) => sum + pair.masks.length, 0)
  return {
    size: pairs.length,
    skipped: { images: images.length - pairs.length, masks: masks.length - matched },
    async read(index) {
      const { image, masks } = pairs[index]
      const photo = await readPhoto(image.path, frame)
      return { name: image.name, image: photo.image, ...(await readMasks(masks, { photo, values })) }
    }
  }
}

/** The masks of each image by its stem: a mask belongs to the longest stem that begins its own. */
function masksByImage(
  images: readonly ListedFile[],
  masks: readonly ListedFile[],
  folder: string
): ReadonlyMap<string, ListedFile[]> {
  const own = new Map<string, ListedFile[]>()
  for (const { name } of images) {
    if (own.has(stemOf(name)))
      throw unfit(folder, `images must differ in more than their extension, found two of '${stemOf(name)}'`)
    own.set(stemOf(name), [])
  }
  for (const mask of masks) {
    let stem: string | undefined = stemOf(mask.name)
    while (stem !== undefined && !own.has(stem)) stem = shorter(stem)
    if (stem !== undefined) own.get(stem)!.push(mask)
  }
  return own
}

/** A stem without what follows its last _ or -; undefined where there is none. */
function shorter(stem: string): string | undefined {
  const end = Math.max(stem.lastIndexOf('_'), stem.lastIndexOf('-'))
  return end > stem.lastIndexOf('/') + 1 ? stem.slice(0, end) : undefined
}

async function readMasks(
  files: readonly ListedFile[],
  { photo, values }: { photo: Photo; values: MaskValues | undefined }
): Promise<Pick<Sample, 'truths' | 'skipped'>> {
  const all: Required<Pick<Sample, 'truths' | 'skipped'>>[] = []
  let count = 0
  for (const { path } of files) {
    try {
      const found = await maskPicture(path, values)
      checkMaskMemory(path, { count: (count += found.length), ...photo.image })
      if (!found.length) throw unfit(path, 'a mask must have pixels inside, found none')
      all.push(
        usable(found, mask => {
          checkProportions(photo, mask, path)
          return { mask: uprightMask(photo, mask) }
        })
      )
    } catch (error) {
      if (!isUnfit(error)) throw error
      all.push({ truths: [], skipped: [error.message] })
    }
  }
  return { truths: all.flatMap(one => one.truths), skipped: all.flatMap(one => one.skipped) }
}
