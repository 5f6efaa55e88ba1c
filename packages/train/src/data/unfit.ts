import { InputError } from '@sam/core/graph'

/** The error of an invalid file of a data set, `E_BAD_IMAGE`: the trainer skips and counts such a sample. */
export const unfit = (path: string, why: string, cause?: unknown): InputError =>
  new InputError('E_BAD_IMAGE', `${path}: ${why}`, { cause })
