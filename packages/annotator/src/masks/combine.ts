import { Mask } from '@sam/core'
import { uniteRuns, type Runs } from '@sam/core/model'
import type { Stroke } from '../document/project.js'
import { strokeRuns } from './stroke-runs.js'

/** The pixels of `a` that are not in `b`, as `Mask.runs`. */
export function subtractRuns(a: Runs, b: Runs): Runs {
  const left: number[] = []
  let at = 0
  for (let i = 0; i < a.length; i += 3) {
    const [y, start, end] = [a[i], a[i + 1], a[i + 2]]
    while (at < b.length && (b[at] < y || (b[at] === y && b[at + 2] <= start))) at += 3
    let from = start
    for (let k = at; k < b.length && b[k] === y && b[k + 1] < end; k += 3) {
      if (b[k + 1] > from) left.push(y, from, b[k + 1])
      from = Math.max(from, b[k + 2])
    }
    if (from < end) left.push(y, from, end)
  }
  return Int32Array.from(left)
}

const ofRuns = ({ width, height, predictedIou }: Mask, inside: Runs): Mask =>
  new Mask({ width, height, inside, predictedIou })

/** The pixels of any of the masks, which must be of one picture, with the first one's estimate of the IoU. */
export const uniteMasks = (masks: readonly [Mask, ...Mask[]]): Mask =>
  ofRuns(masks[0], uniteRuns(masks.map(mask => mask.runs)))

/** The pixels of `mask` that are not in `other`, of the same picture. */
export const subtractMask = (mask: Mask, other: Mask): Mask => ofRuns(mask, subtractRuns(mask.runs, other.runs))

/** A mask without pixels. */
export const emptyMask = ({ width, height }: { width: number; height: number }): Mask =>
  new Mask({ width, height, inside: new Int32Array(0) })

/** Paints strokes over a mask, in order, pixel for pixel. */
export const paintStrokes = (mask: Mask, strokes: readonly Stroke[]): Mask =>
  strokes.length
    ? ofRuns(
        mask,
        strokes.reduce<Runs>((runs, stroke) => {
          const covered = strokeRuns(stroke, mask)
          return stroke.erase ? subtractRuns(runs, covered) : uniteRuns([runs, covered])
        }, mask.runs)
      )
    : mask

/** Whether a mask contains the pixel at a position. */
export function covers({ runs }: Mask, [x, y]: readonly [number, number]): boolean {
  const [column, row] = [Math.floor(x), Math.floor(y)]
  let [low, high] = [0, runs.length / 3]
  while (low < high) {
    const middle = (low + high) >> 1
    const at = 3 * middle
    if (runs[at] < row || (runs[at] === row && runs[at + 2] <= column)) low = middle + 1
    else high = middle
  }
  return 3 * low < runs.length && runs[3 * low] === row && runs[3 * low + 1] <= column
}
