import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * Draws, in sequence. Two made from the same keys give the same draws: all randomness of training is a function of a
 * seed and a place.
 */
export interface Random {
  /** Uniform in [0, 1). */
  unit(): number
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  /** A whole number in [low, high], both included. */
  int(low: number, high: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of these, all equally likely. */
  pick<T>(choices: readonly T[]): T
  /** Normal with mean 0 and deviation 1. */
  normal(): number
}

/** Draws that belong to these keys: a seed, then for example an iteration and an image. Whole numbers. */
export function random(...keys: readonly number[]): Random {
  const generator = xoroshiro128plus(keys.reduce((hash, key) => mix(hash ^ mix(key + 0x9e3779b9)), 0x243f6a88))
  const unit = (): number => uniformFloat64(generator)
  return {
    unit,
    between: (low, high) => low + (high - low) * unit(),
    int: (low, high) => uniformInt(generator, low, high),
    chance: probability => unit() < probability,
    pick: choices => choices[uniformInt(generator, 0, choices.length - 1)],
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit())
  }
}

/** The numbers below `count` in an order by chance. */
export function shuffled(draw: Random, count: number): number[] {
  const order = Array.from({ length: count }, (_, k) => k)
  for (let k = count - 1; k > 0; k--) {
    const other = draw.int(0, k)
    ;[order[k], order[other]] = [order[other], order[k]]
  }
  return order
}

/** MurmurHash3's finaliser: neighbouring keys give unrelated seeds. */
function mix(x: number): number {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
