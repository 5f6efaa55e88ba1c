import type { RgbImage } from '@sam/core'

/** A ground-truth mask of an image. */
export interface Truth {
  /** 1 inside, row by row, of the image's size. */
  readonly mask: Uint8Array
  /** Level of nesting, where the data has it. */
  readonly level?: 'whole' | 'part' | 'subpart'
  /** Index, in the sample's list, of the mask that this one is a part of. */
  readonly parent?: number
  readonly caption?: string
}

/** An image with its masks. */
export interface Sample<T extends Truth = Truth> {
  /** For messages: a file name, or a seed and an index. */
  readonly name: string
  readonly image: RgbImage
  readonly truths: readonly T[]
  /** Why masks of this image cannot be used, a reason for each. */
  readonly skipped?: readonly string[]
}

/** Images with masks. Reading the same index twice gives the same sample. */
export interface Dataset<T extends Truth = Truth> {
  /** Number of samples; Infinity where they are generated. */
  readonly size: number
  /** Images of the source without labels, and labels without an image: no samples are made of them. */
  readonly skipped?: { readonly images: number; readonly masks: number }
  /** One sample. Throws `InputError` when the file behind it is invalid; the trainer skips and counts it. */
  read(index: number): Promise<Sample<T>>
  /**
   * Index of the source of a sample, where several samples share one (views of one image): a worker that has read one
   * of them reads the others fastest.
   */
  readonly source?: (index: number) => number
}
