import type { Mask } from '@sam/core'

/** A picture to export, with the objects to export of it. */
export interface ExportPicture {
  /** File name. */
  readonly file: string
  /** The file, whose pixels cut-outs need. */
  readonly blob: Blob
  readonly width: number
  readonly height: number
  readonly objects: readonly ExportObject[]
}

export interface ExportObject {
  readonly id: number
  readonly name: string
  /** Name of its label; undefined: that of the object is used, if the user has named it. */
  readonly label?: string | undefined
  /** `#rrggbb` or `rgb(r g b)` */
  readonly color: string
  /** Has at least one pixel inside. */
  readonly mask: Mask
  readonly score?: number | undefined
}

/** What the masks look like in the files. */
export interface MaskOptions {
  /** Removes holes and islands of fewer pixels. */
  readonly minArea: number
  /** Outlines along the logits instead of the pixel edges. */
  readonly smooth: boolean
  /** Largest distance in pixels between the outline of the mask and the written one. */
  readonly simplify: number
  /** Width in pixels over which cut-outs and mask images fade. */
  readonly feather: number
  /** How COCO and Label Studio hold a mask. */
  readonly shapes: 'mask' | 'polygon'
}

export const exactMasks: MaskOptions = { minArea: 0, smooth: false, simplify: 0, feather: 0, shapes: 'mask' }

/** The mask without small holes and islands, as it is written. */
export const cleaned = (mask: Mask, { minArea }: Pick<MaskOptions, 'minArea'>): Mask =>
  minArea > 0 ? mask.withoutSmallRegions(minArea) : mask

/**
 * The category of an object in annotation files: its label, else its own name without the number of a copy. Undefined
 * for a name such as `Object 2`, which the user has not given.
 */
export function categoryOf({ label, name }: Pick<ExportObject, 'label' | 'name'>): string | undefined {
  const plain = (text: string): string => text.replace(/[\0-\x1f\x7f]/g, ' ').trim()
  if (label !== undefined) return plain(label) || undefined
  const own = plain(name).replace(/( copy)*( \d+)?$/, '')
  return own === 'Object' ? undefined : own || undefined
}
