import { readdir } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { decodeImage } from '@sam/core'
import { InputError } from '@sam/core/graph'
import type { Dataset, Truth } from './dataset.js'
import { unfit } from './json.js'

const isImage = (file: string): boolean => /\.(jpe?g|png|webp|tiff?)$/i.test(file)

/**
 * A folder with `images/` and `masks/`: the masks of `images/cat.jpg` are `masks/cat.png`, `masks/cat_1.png`,
 * `masks/cat-anything.png`; a pixel over 127 is inside. Throws `InputError` `E_BAD_IMAGE` where no image has
 * masks. An image whose mask has another size is unusable.
 */
export async function imageFolder(folder: string): Promise<Dataset> {
  const list = async (name: string): Promise<string[]> =>
    (
      await readdir(join(folder, name)).catch((cause: Error) => {
        throw new InputError('E_BAD_IMAGE', `${folder} must hold the folders images and masks: ${cause.message}`, {
          cause
        })
      })
    )
      .filter(isImage)
      .sort()
  const [images, masks] = await Promise.all([list('images'), list('masks')])
  const own = (image: string): string[] =>
    masks.filter(
      mask => parse(mask).name === parse(image).name || new RegExp(`^${escape(parse(image).name)}[_-]`).test(mask)
    )
  const pairs = images.map(image => ({ image, masks: own(image) })).filter(pair => pair.masks.length)
  if (!pairs.length)
    throw new InputError(
      'E_BAD_IMAGE',
      `${folder}: masks must be named like their images (images/cat.jpg, masks/cat.png or masks/cat_1.png), ` +
        `found ${images.length} images and ${masks.length} masks that do not match`
    )
  return {
    size: pairs.length,
    async read(index) {
      const { image: name, masks: files } = pairs[index]
      const image = await decodeImage(join(folder, 'images', name))
      const truths = await Promise.all(
        files.map(async (file): Promise<Truth> => {
          const { width, height, data } = await decodeImage(join(folder, 'masks', file))
          if (width !== image.width || height !== image.height) {
            throw unfit(
              join(folder, 'masks', file),
              `a mask must have its image's ${image.width} × ${image.height} pixels, found ${width} × ${height}`
            )
          }
          return { mask: Uint8Array.from({ length: width * height }, (_, i) => (data[3 * i] > 127 ? 1 : 0)) }
        })
      )
      return { name, image, truths }
    }
  }
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
