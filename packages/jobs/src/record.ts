import { Mask, type MaskJson } from '@sam/core'
import type { AnnotatedImage } from '@sam/annotations'

/** An object in an image. */
export interface ObjectRecord extends MaskJson {
  /** The phrase that found the object, or the category of its prompt. */
  readonly category?: string
  /** Of phrases: the text score, 0 … 1. */
  readonly score?: number
  /** Of prompts: which one of the image, from 0. */
  readonly prompt?: number
  /** Of automatic masks: the point of the grid, as in the records of Meta's `amg.py`. */
  readonly point_coords?: readonly (readonly [x: number, y: number])[]
  /** Of automatic masks: the crop, [x, y, width, height]. */
  readonly crop_box?: readonly [x: number, y: number, width: number, height: number]
}

/** The results of an image. */
export interface ImageRecord {
  readonly key: string
  readonly image: string
  /** SHA-256 of the image file. */
  readonly sha256: string
  /** Pixels of the upright image, which the masks refer to. */
  readonly width: number
  readonly height: number
  readonly objects: readonly ObjectRecord[]
}

/** Why an image has no results. */
export interface FailureRecord {
  readonly key: string
  readonly image: string
  readonly error: { readonly code: string; readonly message: string }
}

/** A record as one line of JSON. */
export const recordBytes = (record: ImageRecord | FailureRecord): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(record)}\n`)

/** A record as an image of `@sam/annotations`; masks without pixels are left out. */
export const toAnnotatedImage = ({ image, width, height, objects }: ImageRecord): AnnotatedImage => ({
  file: image,
  width,
  height,
  objects: objects
    .filter(({ area }) => area > 0)
    .map((object, i) => ({
      id: String(i + 1),
      mask: Mask.from(object),
      score: object.score ?? object.predicted_iou,
      ...(object.category === undefined ? {} : { category: object.category })
    }))
})
