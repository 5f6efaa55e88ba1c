import { frameOf, gridSize, longestSideSize, lowResSize, normalizeImage, resizeImage, type SamConfig } from '@sam/core'
import { InputError, type HostTensor } from '@sam/core/graph'
import type { Sample, Truth } from './data/dataset.js'
import type { Plane } from './prompts/plane.js'

/** One object to learn: its mask in the model's input and in the size of the model's answers, both with the padding, where it is 0. */
export interface Target {
  readonly input: Plane
  readonly low: Plane
  readonly truth: Truth
}

/** A sample as the model sees it. */
export interface Example {
  readonly name: string
  /** Normalised and padded, f32[1,3,S,S]. */
  readonly image: HostTensor<'f32'>
  readonly targets: readonly Target[]
  /** Pixels of the answer that lie on the image and not on the padding, as [width, height]. */
  readonly inside: readonly [number, number]
}

/** Masks over this part of the image are dropped. Paper: Appendix A, "Training recipe". */
const largest = 0.9

/**
 * Resizes, normalises and pads a sample. Masks that are empty, over 90% of the image, or too small to be seen in an answer are left out.
 * Throws `InputError` `E_BAD_MASK` where a mask has not the image's size.
 */
export function example({ name, image, truths }: Sample, config: SamConfig): Example {
  const { imageSize } = config
  const { inputSize: [height, width] } = frameOf(image, imageSize)
  const [low, cell] = [lowResSize(config), imageSize / lowResSize(config)]
  const targets = truths.flatMap((truth): Target[] => {
    if (truth.mask.length !== image.width * image.height) {
      throw new InputError('E_BAD_IMAGE', `${name}: a mask must have one value a pixel of its ${image.width} × ${image.height} image, found ${truth.mask.length}`)
    }
    const input = scaled({ width: image.width, height: image.height, data: truth.mask }, { width, height, side: imageSize })
    const answer = shrunk(input, low, cell)
    const part = sum(truth.mask) / truth.mask.length
    return part > 0 && part <= largest && sum(answer.data) > 0 && sum(input.data) > 0 ? [{ input, low: answer, truth }] : []
  })
  const fits = longestSideSize(image, imageSize)
  const pixels = fits.width === image.width && fits.height === image.height ? image : resizeImage(image, fits)
  return { name, image: normalizeImage(pixels, imageSize), targets, inside: [Math.ceil(width / cell), Math.ceil(height / cell)] }
}

/** The nearest pixel's value, in a square with padding. */
function scaled({ width, height, data }: Plane, to: { width: number; height: number; side: number }): Plane {
  const out = new Uint8Array(to.side * to.side)
  for (let y = 0; y < to.height; y++) {
    const row = Math.min(height - 1, Math.floor((y + 0.5) * height / to.height)) * width
    for (let x = 0; x < to.width; x++) out[y * to.side + x] = data[row + Math.min(width - 1, Math.floor((x + 0.5) * width / to.width))] ? 1 : 0
  }
  return { width: to.side, height: to.side, data: out }
}

/** 1 where at least half of a cell is inside. */
function shrunk({ width, data }: Plane, side: number, cell: number): Plane {
  const counts = new Uint16Array(side * side)
  for (let y = 0; y < side * cell; y++) for (let x = 0; x < side * cell; x++) counts[Math.floor(y / cell) * side + Math.floor(x / cell)] += data[y * width + x]
  return { width: side, height: side, data: Uint8Array.from(counts, n => 2 * n >= cell * cell ? 1 : 0) }
}

const sum = (values: Uint8Array): number => {
  let total = 0
  for (const v of values) if (v) total++
  return total
}

/** Sides of the model's answer and its embedding, for whoever lays out feeds. */
export const sidesOf = (config: SamConfig): { low: number; grid: number; cell: number } =>
  ({ low: lowResSize(config), grid: gridSize(config), cell: config.imageSize / lowResSize(config) })
