import { createRng, shuffled } from '@sam/rng'
import type { Dataset } from './dataset.js'

/** The index of the sample at a position of the run: endless data in its order, finite data reshuffled each epoch. */
export function orderOf({ size }: Dataset, seed: number): (position: number) => number {
  if (!Number.isFinite(size)) return position => position
  let now = { epoch: -1, order: [] as number[] }
  return position => {
    const epoch = Math.floor(position / size)
    if (epoch !== now.epoch) now = { epoch, order: shuffled(createRng(seed, epoch), size) }
    return now.order[position % size]
  }
}
