import type { Refuse } from '@sam/core/graph'
import type { ImageInfo } from './annotated-image.js'
import { readSize } from './fail.js'
import type { Reading } from './format.js'

/**
 * The image of annotations that do not state its size, from the caller. `name` may lack its extension. Throws where the
 * caller does not know it.
 */
export async function findImage(name: string, { findImage: find }: Reading, fail: Refuse): Promise<ImageInfo> {
  const found = await find(name)
  if (!found)
    return fail(
      'the file does not state the size of the image; give it with findImage, or --images on the command line'
    )
  return { file: found.file, ...readSize(found.width, found.height, fail) }
}
