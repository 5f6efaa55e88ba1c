import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeImage } from '@sam/core'
import { InputError } from '@sam/core/graph'
import type { Dataset } from './dataset.js'
import { listOf, readJson } from './json.js'
import { segmentationMask } from './segmentation.js'

/**
 * A folder of SA-1B: pairs like `sa_1.jpg` and `sa_1.json`, with masks as run lengths. Throws `InputError`
 * `E_BAD_IMAGE` where there is none.
 */
export async function sa1b(folder: string): Promise<Dataset> {
  const files = new Set(
    await readdir(folder).catch((cause: Error) => {
      throw new InputError('E_BAD_IMAGE', `${folder} must be a folder of SA-1B: ${cause.message}`, { cause })
    })
  )
  const names = [...files]
    .filter(file => file.endsWith('.jpg') && files.has(file.replace(/jpg$/, 'json')))
    .map(file => file.slice(0, -4))
    .sort()
  if (!names.length)
    throw new InputError(
      'E_BAD_IMAGE',
      `${folder} must hold pairs of .jpg and .json files with equal names, found ${files.size} files and no pair`
    )
  return {
    size: names.length,
    async read(index) {
      const path = join(folder, `${names[index]}.json`)
      const annotations = listOf(await readJson(path), path, 'annotations')
      const image = await decodeImage(join(folder, `${names[index]}.jpg`))
      return {
        name: path,
        image,
        truths: annotations.map(({ segmentation }) => ({ mask: segmentationMask(segmentation, image, path) }))
      }
    }
  }
}
