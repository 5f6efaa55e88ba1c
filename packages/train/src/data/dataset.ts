import type { RgbImage } from '@sam/core'
import type { Description } from './scenes/description.js'

/** A mask over its image: 1 inside, row by row. */
export interface Truth {
  readonly mask: Uint8Array
  /** What it is of its object, where the data knows. */
  readonly level?: 'whole' | 'part' | 'subpart'
  /** Place in the sample's list of the mask that this one is a part of. */
  readonly parent?: number
  readonly caption?: string
  /** What the caption is made of, for generated scenes. */
  readonly about?: Description
  /**
   * Where too little of it is seen for a person to describe it so: what hides it lies before it, or the picture ends.
   */
  readonly obscured?: true
}

export interface Sample {
  /** How messages name it: a file, or a seed and a number. */
  readonly name: string
  readonly image: RgbImage
  readonly truths: readonly Truth[]
}

/** Images with masks. Reading the same index twice gives the same sample. */
export interface Dataset {
  /** How many samples there are; Infinity where they are made. */
  readonly size: number
  /** One sample. Throws `InputError` when the file behind it is unfit; the trainer skips it and counts. */
  read(index: number): Promise<Sample>
  /**
   * What a sample is made from, as a number, where several are made from one thing: whoever reads one of them reads the
   * others soonest.
   */
  readonly source?: (index: number) => number
}
