import { longestSideSize } from './resize.js'

/**
 * How an image lies in the model's square input: scaled so that its longer side fills it, at the top left, the rest
 * padding. Every transform between the photo's pixels and the model's is made from these numbers. Meta:
 * utils/transforms.py#ResizeLongestSide.
 */
export interface Frame {
  /** Side of the square input. */
  readonly imageSize: number
  /** [height, width] of the scaled image inside it. */
  readonly inputSize: readonly [number, number]
  /** [height, width] of the photo. */
  readonly originalSize: readonly [number, number]
}

/** The frame of a photo of this size. */
export function frameOf({ width, height }: { width: number; height: number }, imageSize: number): Frame {
  const resized = longestSideSize({ width, height }, imageSize)
  return { imageSize, inputSize: [resized.height, resized.width], originalSize: [height, width] }
}

/** A place in the photo, in pixels → the same place in the scaled image. Meta: ResizeLongestSide.apply_coords. */
export const toInput = ({ inputSize, originalSize }: Frame, x: number, y: number): [number, number] => [
  x * (inputSize[1] / originalSize[1]),
  y * (inputSize[0] / originalSize[0])
]
