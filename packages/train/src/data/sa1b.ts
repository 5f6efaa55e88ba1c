import { InputError } from '@sam/core/graph'
import type { Dataset } from './dataset.js'
import { listFiles, stemOf } from './image-files.js'
import { listOf, readJson } from './json.js'
import { readPhoto, type LabelFrame } from './label-frame.js'
import { sizeIn, truthsOf } from './segmentation.js'

/**
 * A folder of SA-1B, also in sub-folders: pairs like `sa_1.jpg` and `sa_1.json`, with masks as run lengths. Annotations
 * without a usable mask are skipped and counted, and so are images without JSON. Throws `InputError` `E_BAD_IMAGE`
 * where there is no pair.
 */
export async function sa1b(
  folder: string,
  { frame }: { readonly frame?: LabelFrame | undefined } = {}
): Promise<Dataset> {
  const files = await listFiles(folder, /\.(jpe?g|json)$/i, `${folder} must be a folder of SA-1B`)
  const labels = new Map(files.filter(({ name }) => /\.json$/i.test(name)).map(file => [stemOf(file.name), file.path]))
  const images = files.filter(({ name }) => !/\.json$/i.test(name))
  const pairs = images.flatMap(image => {
    const label = labels.get(stemOf(image.name))
    return label === undefined ? [] : [{ image: image.path, label }]
  })
  if (!pairs.length)
    throw new InputError(
      'E_BAD_IMAGE',
      `${folder} must hold pairs of .jpg and .json files with equal names, found ${files.length} files and no pair`
    )
  return {
    size: pairs.length,
    skipped: { images: images.length - pairs.length, masks: 0 },
    async read(index) {
      const { image, label } = pairs[index]
      const json = await readJson(label)
      const annotations = listOf(json, label, 'annotations').map(({ segmentation }) => ({ segmentation }))
      const photo = await readPhoto(image, frame)
      const labelled = sizeIn((json as { image?: Record<string, unknown> }).image)
      return { name: label, image: photo.image, ...truthsOf(annotations, { photo, labelled, path: label }) }
    }
  }
}
