import type { Random } from '../random.js'
import { areaOf, type Plane } from './plane.js'

/**
 * A pixel of the mask, all equally likely: [x, y]. Undefined for an empty mask. Paper: Appendix A, "Training
 * algorithm".
 */
export function pointInMask(draw: Random, { width, data }: Plane): readonly [number, number] | undefined {
  const count = areaOf(data)
  if (count === 0) return undefined
  let left = draw.int(0, count - 1)
  for (let at = 0; ; at++) if (data[at] && left-- === 0) return [at % width, Math.floor(at / width)]
}
