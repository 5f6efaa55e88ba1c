import { brief, refuse } from '@sam/core/graph'
import type { AnnotatedImage } from './annotated-image.js'
import { relativeName, stemOf } from './names.js'

/**
 * The names of the files of images, without extension, below the folder of a format. Throws `E_BAD_OPTION` where two
 * images would have one.
 */
export function outputStems(images: readonly AnnotatedImage[], nameOf = relativeName): string[] {
  const owners = new Map<string, string>()
  return images.map(({ file }) => {
    const stem = stemOf(nameOf(file))
    const other = owners.get(stem)
    if (other !== undefined)
      refuse(
        'E_BAD_OPTION',
        `the annotations of '${brief(other)}' and '${brief(file)}' would both be written to '${brief(stem)}'; ` +
          'rename one image, or choose a format with one file (coco, cvat, label-studio)'
      )
    owners.set(stem, file)
    return stem
  })
}
