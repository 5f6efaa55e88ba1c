import type { Bitmap } from '@sam/core'
import type { Rng } from '@sam/rng'
import { areaOf } from './plane.js'

/** A uniform random pixel of the mask: [x, y]. Undefined for an empty mask. Paper: Appendix A, "Training algorithm". */
export function pointInMask(rng: Rng, { width, data }: Bitmap): readonly [number, number] | undefined {
  const count = areaOf(data)
  if (count === 0) return undefined
  let left = rng.int(0, count - 1)
  for (let at = 0; ; at++) if (data[at] && left-- === 0) return [at % width, Math.floor(at / width)]
}
