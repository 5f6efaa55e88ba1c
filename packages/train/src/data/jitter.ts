import { longestSideSize, resizeImage } from '@sam/core/model'
import type { RgbImage } from '@sam/core'
import { scaledPlane } from '../interaction/plane.js'
import type { Rng } from '@sam/rng'
import type { Sample, Truth } from './dataset.js'

export interface JitterOptions {
  /** Range of the factor; [0.1, 2] in the paper. */
  readonly range: readonly [number, number]
  /** Side of the model's input, in pixels: at factor 1 the image's longer side fills it. */
  readonly side: number
}

/**
 * Large-scale jitter: image and masks are scaled by a uniform random factor, then cropped to the model's input at a
 * random position if they are larger; if they are smaller, `example` pads them. Masks may become empty. Paper: Appendix
 * A, "Training recipe"; the rule is ViTDet's.
 */
export function jittered(
  rng: Rng,
  { name, image, truths }: Sample,
  { range: [low, high], side }: JitterOptions
): Sample {
  const to = longestSideSize(image, side * rng.between(low, high))
  const [width, height] = [Math.min(side, to.width), Math.min(side, to.height)]
  const at = [rng.int(0, to.width - width), rng.int(0, to.height - height)] as const
  const masks = truths.map(
    (truth): Truth => ({
      ...truth,
      mask: scaledPlane(
        { width: image.width, height: image.height, data: truth.mask },
        { to, at, out: { width, height } }
      ).data
    })
  )
  return { name, image: cut(resizeImage(image, to), at, { width, height }), truths: masks }
}

function cut(
  { width, data }: RgbImage,
  [x, y]: readonly [number, number],
  to: { width: number; height: number }
): RgbImage {
  const out = new Uint8Array(3 * to.width * to.height)
  for (let row = 0; row < to.height; row++) {
    const from = 3 * ((y + row) * width + x)
    out.set(data.subarray(from, from + 3 * to.width), 3 * row * to.width)
  }
  return { ...to, data: out }
}
