import { join } from 'node:path'
import { decodeImage } from '@sam/core'
import { InputError } from '@sam/core/graph'
import type { Dataset, Truth } from './dataset.js'
import { listOf, readJson } from './json.js'
import { segmentationMask } from './segmentation.js'

export interface CocoOptions {
  /** The annotation file, with `images`, `annotations` and `categories`. */
  readonly annotations: string
  /** The folder with the images. */
  readonly images: string
}

/**
 * COCO instances; crowds are skipped, categories become captions. Throws `InputError` `E_BAD_IMAGE` for an invalid
 * file.
 */
export async function coco({ annotations: path, images: folder }: CocoOptions): Promise<Dataset> {
  const file = await readJson(path)
  const byImage = new Map<unknown, Record<string, unknown>[]>()
  for (const a of listOf(file, path, 'annotations')) {
    if (a.iscrowd) continue
    const list = byImage.get(a.image_id) ?? []
    byImage.set(a.image_id, list)
    list.push(a)
  }
  const categories = new Map(
    listOf({ categories: [], ...(file as object) }, path, 'categories').map(({ id, name }) => [id, String(name)])
  )
  const images = listOf(file, path, 'images').filter(
    ({ id, file_name: name }) => byImage.has(id) && typeof name === 'string'
  )
  if (!images.length) throw new InputError('E_BAD_IMAGE', `${path} must have images with annotations, found none`)
  return {
    size: images.length,
    async read(index) {
      const { id, file_name: name } = images[index]
      const image = await decodeImage(join(folder, name as string))
      const truths = byImage.get(id)!.map(({ segmentation, category_id: category }): Truth => {
        const caption = categories.get(category)
        return {
          mask: segmentationMask(segmentation, image, `${path}, image ${String(id)}`),
          ...(caption !== undefined && { caption })
        }
      })
      return { name: name as string, image, truths }
    }
  }
}
