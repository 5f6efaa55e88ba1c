import { InputError } from '@sam/core/graph'
import { scenes } from '@sam/scenes'
import { views, type Dataset } from '@sam/train'

const made = views(scenes({ size: 64, seed: 1, minArea: 60 }), { among: 4, seed: 2, each: 3 })

/** Scenes: one is unusable, one fails to read, and one ends its thread. */
export const threadData: Dataset = {
  ...made,
  async read(index) {
    if (index === 100) throw new InputError('E_BAD_IMAGE', 'truncated')
    if (index === 101) throw new TypeError('a bug')
    if (index === 102) process.exit(7)
    return made.read(index)
  }
}
