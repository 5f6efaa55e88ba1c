import { createRng, shuffled } from '@sam/rng'
import type { Dataset } from './dataset.js'

/** The index of the sample at a position of the run: endless data in its order, finite data reshuffled each epoch. */
export function orderOf({ size }: Dataset, seed: number): (place: number) => number {
  if (!Number.isFinite(size)) return place => place
  let now = { round: -1, order: [] as number[] }
  return place => {
    const round = Math.floor(place / size)
    if (round !== now.round) now = { round, order: shuffled(createRng(seed, round), size) }
    return now.order[place % size]
  }
}
