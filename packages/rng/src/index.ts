import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * `@sam/rng`: random numbers that are a function of their keys.
 * @packageDocumentation
 */

/** A sequence of random numbers. Two generators made from the same keys give the same sequence. */
export interface Rng {
  /** Uniform in [0, 1). */
  unit(): number
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  /** An integer in [low, high], both included. */
  int(low: number, high: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of the choices, all equally likely. */
  pick<T>(choices: readonly T[]): T
  /** Standard normal. */
  normal(): number
}

/**
 * The generator of these keys: a seed, then for example an iteration and an image index. Keys are integers;
 * neighbouring keys give unrelated sequences.
 */
export function createRng(...keys: readonly number[]): Rng {
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

/** The integers 0 … count − 1 in a random order (Fisher–Yates). */
export function shuffled(rng: Rng, count: number): number[] {
  const order = Array.from({ length: count }, (_, k) => k)
  for (let k = count - 1; k > 0; k--) {
    const other = rng.int(0, k)
    ;[order[k], order[other]] = [order[other], order[k]]
  }
  return order
}

/** MurmurHash3's finaliser. */
function mix(x: number): number {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
