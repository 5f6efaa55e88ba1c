import type { Mask } from '@sam/core'

/** An image with its objects. */
export interface AnnotatedImage extends ImageInfo {
  /** The number of the image in formats that number images (COCO, CVAT, Label Studio). */
  readonly id?: string | undefined
  readonly objects: readonly AnnotatedObject[]
}

/** The name and size of an image. */
export interface ImageInfo {
  /** File name, with `/` between folders. */
  readonly file: string
  /** Pixels of the picture that the masks refer to. */
  readonly width: number
  readonly height: number
}

/** One object of an image. */
export interface AnnotatedObject {
  /** Differs from the ids of the other objects of the image. Formats that number objects keep positive integers. */
  readonly id: string
  /** Has the size of the image and at least one pixel inside. */
  readonly mask: Mask
  readonly category?: string | undefined
  /** Confidence of a predicted object. */
  readonly score?: number | undefined
  /** COCO's `iscrowd`: the mask is a group of objects. */
  readonly crowd?: boolean | undefined
}

/** Annotation files by name, with `/` between folders. */
export type Files = ReadonlyMap<string, Uint8Array>

/** The category that is written for an object without one, in formats that need one. */
export const unnamedCategory = 'object'

export const categoryOf = ({ category }: AnnotatedObject): string => category ?? unnamedCategory

/** The categories of all objects, in order of their first object. */
export const categoriesOf = (images: readonly AnnotatedImage[]): string[] => [
  ...new Set(images.flatMap(({ objects }) => objects.map(categoryOf)))
]
