import { InputError } from '@sam/core/graph'
import { scenes } from '@sam/scenes'
import { views, type Dataset } from '@sam/train'

const made = views(scenes({ size: 64, seed: 1, minArea: 60 }), { among: 4, seed: 2, each: 3 })

/** Scenes, of which one is unfit, one cannot be read for a reason of its own, and one ends whoever reads it. */
export const threadData: Dataset = {
  ...made,
  async read(index) {
    if (index === 100) throw new InputError('E_BAD_IMAGE', 'cut short')
    if (index === 101) throw new TypeError('a bug')
    if (index === 102) process.exit(7)
    return made.read(index)
  }
}
