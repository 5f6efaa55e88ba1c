import { createRng, shuffled } from '@sam/rng'
import type { Dataset, Sample, Truth } from './dataset.js'

const viewCount = 8

export interface ViewsOptions {
  /** Number of samples whose views are shuffled together, and held in memory. */
  readonly among: number
  readonly seed: number
  /** Views per sample, 1 … 8. Default: 8. */
  readonly each?: number
}

/**
 * Views of the samples of an endless data set: rotated by 0°, 90°, 180° and 270°, and mirrored. Where a sample costs
 * more to generate than to train on, a view is nearly as good as a new sample. The views of `among` samples are
 * shuffled together; the nth view is a function of the seed.
 */
export function views<T extends Truth>(data: Dataset<T>, { among, seed, each = viewCount }: ViewsOptions): Dataset<T> {
  const held = new Map<number, Promise<Sample<T>>>()
  const block = among * each
  const orders = new Map<number, number[]>()
  const partsOf = (index: number): { nth: number; source: number; view: number } => {
    const nth = Math.floor(index / block)
    for (const old of orders.keys()) if (old < nth - 1) orders.delete(old)
    const order = orders.get(nth) ?? shuffled(createRng(seed, nth), block)
    orders.set(nth, order)
    const [place, view] = [Math.floor(order[index % block] / each), order[index % block] % each]
    return { nth, source: nth * among + place, view }
  }
  return {
    size: Infinity,
    source: index => partsOf(index).source,
    read: async index => {
      const { nth, source, view } = partsOf(index)
      for (const old of held.keys()) if (old < (nth - 1) * among) held.delete(old)
      let sample = held.get(source)
      if (!sample) {
        sample = data.read(source)
        sample.catch(() => held.delete(source)) // the next read retries
        held.set(source, sample)
      }
      return transformed(await sample, (source + 3 * view) % viewCount) // steps of 3 reach all eight
    }
  }
}

/** One of the eight views of a sample: bit 0 mirrors columns, bit 1 mirrors rows, bit 2 swaps rows and columns. */
export function transformed<T extends Truth>({ name, image, truths }: Sample<T>, orientation: number): Sample<T> {
  const view = <T extends Uint8Array | Uint8ClampedArray>(data: T, channels: number): Uint8Array =>
    transformedPlane({ ...image, data }, { orientation, channels })
  const [width, height] = orientation & 4 ? [image.height, image.width] : [image.width, image.height]
  return {
    name: `${name}, view ${orientation}`,
    image: { width, height, data: view(image.data, 3) },
    truths: truths.map(truth => ({ ...truth, mask: view(truth.mask, 1) }))
  }
}

/** A picture or a mask turned by {@link transformed}'s `orientation`. */
export function transformedPlane(
  { width, height, data }: { width: number; height: number; data: Uint8Array | Uint8ClampedArray },
  { orientation, channels }: { orientation: number; channels: number }
): Uint8Array {
  const out = new Uint8Array(data.length)
  const [columns, rows] = orientation & 4 ? [height, width] : [width, height]
  // Source index of the first pixel, and source strides of a column and of a row.
  const origin = (orientation & 2 ? (height - 1) * width : 0) + (orientation & 1 ? width - 1 : 0)
  const [across, down] = [orientation & 1 ? -1 : 1, orientation & 2 ? -width : width]
  const [right, below] = orientation & 4 ? [down, across] : [across, down]
  for (let y = 0, at = 0; y < rows; y++) {
    for (let x = 0, from = (origin + y * below) * channels; x < columns; x++, from += right * channels)
      for (let c = 0; c < channels; c++) out[at++] = data[from + c]
  }
  return out
}
