import { Mask } from '@sam/core'
import type { Frame } from '@sam/core/model'

/** The smooth outline of low-resolution logits, as closed rings x, y, x, y … in image pixels. */
export const contour = (lowResLogits: Float32Array, frame: Frame): Float32Array[] =>
  new Mask({ lowResLogits, frame, predictedIou: 1 })
    .toPolygons({ smooth: true })
    .flat()
    .map(ring => Float32Array.from(ring.flat()))
