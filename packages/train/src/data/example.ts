import type { RgbImage, SamConfig, Bitmap } from '@sam/core'
import { gridSize, longestSideSize, lowResSize, normalizeImage, resizeImage } from '@sam/core/model'
import type { HostTensor } from '@sam/core/graph'
import { checkSample } from './check-sample.js'
import type { Sample, Truth } from './dataset.js'
import { jittered } from './jitter.js'
import { areaOf, scaledPlane } from '../interaction/plane.js'
import type { Rng } from '@sam/rng'

/** One object: its mask at the resolution of the model's input and of its predictions, both 0 in the padding. */
export interface Target {
  readonly input: Bitmap
  readonly low: Bitmap
  readonly truth: Truth
}

/** A sample as model inputs and targets. */
export interface Example {
  readonly name: string
  /** Normalised and padded, f32[1,3,S,S]. */
  readonly image: HostTensor<'f32'>
  /** The image that the truths are masks of. */
  readonly photo: RgbImage
  readonly targets: readonly Target[]
  /** Size of the image without padding, in pixels of the predictions: [width, height]. */
  readonly inside: readonly [number, number]
}

/** Masks that cover more of the image are dropped. Paper: Appendix A, "Training recipe". */
const largest = 0.9

/** The jitter of one sample. */
export interface Jitter {
  readonly rng: Rng
  readonly range: readonly [number, number]
}

/**
 * Resizes (by `jitter`, where the recipe has one), normalises and pads a sample. Masks that are empty, cover over 90%
 * of the image, or vanish at the resolution of the predictions are dropped. Throws `InputError` `E_BAD_IMAGE` for an
 * invalid sample (`checkSample`).
 */
export function example(sample: Sample, config: SamConfig, jitter?: Jitter): Example {
  checkSample(sample)
  const { imageSize } = config
  const { name, image, truths } = jitter
    ? jittered(jitter.rng, sample, { range: jitter.range, side: imageSize })
    : sample
  const to = jitter ? { width: image.width, height: image.height } : longestSideSize(image, imageSize)
  const [low, cell] = [lowResSize(config), imageSize / lowResSize(config)]
  const targets = truths.flatMap((truth): Target[] => {
    const input = scaledPlane(
      { width: image.width, height: image.height, data: truth.mask },
      { to, out: { width: imageSize, height: imageSize } }
    )
    const predicted = shrunk(input, low, cell)
    const share = areaOf(truth.mask) / truth.mask.length
    return share > 0 && share <= largest && areaOf(predicted.data) > 0 && areaOf(input.data) > 0
      ? [{ input, low: predicted, truth }]
      : []
  })
  const pixels = to.width === image.width && to.height === image.height ? image : resizeImage(image, to)
  return {
    name,
    image: normalizeImage(pixels, imageSize),
    photo: image,
    targets,
    inside: [Math.ceil(to.width / cell), Math.ceil(to.height / cell)]
  }
}

/** 1 where at least half of a cell is inside. */
function shrunk({ data }: Bitmap, side: number, cell: number): Bitmap {
  const out = new Uint8Array(side * side)
  const width = side * cell
  for (let y = 0, to = 0; y < side; y++) {
    for (let x = 0; x < side; x++, to++) {
      const corner = (y * width + x) * cell
      let inside = 0
      for (let row = corner; row < corner + cell * width; row += width)
        for (let at = row; at < row + cell; at++) inside += data[at]
      if (2 * inside >= cell * cell) out[to] = 1
    }
  }
  return { width: side, height: side, data: out }
}

/** Sides of the predictions and of the embedding grid, and pixels of the input per pixel of the predictions. */
export const sidesOf = (config: SamConfig): { low: number; grid: number; cell: number } => ({
  low: lowResSize(config),
  grid: gridSize(config),
  cell: config.imageSize / lowResSize(config)
})
