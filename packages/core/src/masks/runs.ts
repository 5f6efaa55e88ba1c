import type { Bitmap } from './bitmap.js'
import type { Box } from './box.js'

/**
 * The pixels inside a mask as runs along the rows: y, start, end (exclusive) of each run, one after another, top to
 * bottom and left to right. Neighbouring runs of a row do not touch.
 */
export type Runs = Int32Array

/** Called with the pixels `start` … `end` (exclusive) of row y, which lie inside; rows and runs in order. */
export type VisitRun = (y: number, start: number, end: number) => void

/** The size and place of a mask. */
export interface Extent {
  /** Pixels inside. */
  readonly area: number
  /** See `bitmapBox`. */
  readonly box: Box
}

/** The runs that `visitAll` passes to its argument. */
export function collectRuns(visitAll: (visit: VisitRun) => void): Runs {
  const values: number[] = []
  visitAll((y, start, end) => values.push(y, start, end))
  return new Int32Array(values)
}

/** The runs of a bitmap. */
export const runsOfBitmap = ({ width, height, data }: Bitmap): Runs =>
  collectRuns(visit => {
    for (let y = 0; y < height; y++) {
      const row = data.subarray(y * width, (y + 1) * width)
      for (let x = row.indexOf(1); x >= 0; ) {
        const end = row.indexOf(0, x)
        visit(y, x, end < 0 ? width : end)
        x = end < 0 ? -1 : row.indexOf(1, end)
      }
    }
  })

/** One byte per pixel [height, width], 1 inside. */
export function bitmapOfRuns(runs: Runs, { width, height }: { width: number; height: number }): Uint8Array {
  const data = new Uint8Array(width * height)
  for (let i = 0; i < runs.length; i += 3) data.fill(1, runs[i] * width + runs[i + 1], runs[i] * width + runs[i + 2])
  return data
}

/** Area and box of a mask. */
export function extentOfRuns(runs: Runs): Extent {
  let [area, left, right] = [0, Infinity, 0]
  for (let i = 0; i < runs.length; i += 3) {
    area += runs[i + 2] - runs[i + 1]
    left = Math.min(left, runs[i + 1])
    right = Math.max(right, runs[i + 2])
  }
  return { area, box: area ? [left, runs[0], right, runs[runs.length - 3] + 1] : [0, 0, 0, 0] }
}

/** The runs of a mask that is moved right and down. */
export const shiftRuns = (runs: Runs, [right, down]: readonly [number, number, ...unknown[]]): Runs =>
  runs.map((value, i) => value + (i % 3 ? right : down))

/** The runs of the pixels outside. */
export const invertRuns = (runs: Runs, { width, height }: { width: number; height: number }): Runs =>
  collectRuns(visit => {
    for (let y = 0, i = 0; y < height; y++) {
      let start = 0
      for (; runs[i] === y; i += 3) {
        if (runs[i + 1] > start) visit(y, start, runs[i + 1])
        start = runs[i + 2]
      }
      if (start < width) visit(y, start, width)
    }
  })

/** Number of pixels inside both masks. */
export function sharedArea(a: Runs, b: Runs): number {
  let shared = 0
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    if (a[i] === b[k]) {
      shared += Math.max(0, Math.min(a[i + 2], b[k + 2]) - Math.max(a[i + 1], b[k + 1]))
      if (a[i + 2] < b[k + 2]) i += 3
      else k += 3
    } else if (a[i] < b[k]) i += 3
    else k += 3
  }
  return shared
}

/** The runs inside a box of whole pixels. */
export const clipRuns = (runs: Runs, [x0, y0, x1, y1]: Box): Runs =>
  collectRuns(visit => {
    for (let i = 0; i < runs.length; i += 3) {
      const [start, end] = [Math.max(x0, runs[i + 1]), Math.min(x1, runs[i + 2])]
      if (runs[i] >= y0 && runs[i] < y1 && start < end) visit(runs[i], start, end)
    }
  })

/** The pixels that are inside any of the masks. */
export const uniteRuns = (masks: readonly Runs[]): Runs =>
  collectRuns(visit => {
    const all = masks
      .flatMap(runs => Array.from({ length: runs.length / 3 }, (_, i) => runs.subarray(3 * i, 3 * i + 3)))
      .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    let [y, from, to] = [-1, 0, 0]
    for (const [row, start, end] of all) {
      if (row === y && start <= to) to = Math.max(to, end)
      else {
        if (to > from) visit(y, from, to)
        ;[y, from, to] = [row, start, end]
      }
    }
    if (to > from) visit(y, from, to)
  })
