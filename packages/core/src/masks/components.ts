import type { Bitmap } from './bitmap.js'

/** A run of inside pixels, x0 … x1 − 1 of row y, of one connected component. */
export interface Run {
  readonly y: number
  readonly x0: number
  readonly x1: number
  /** 0, 1, 2 … in order of first appearance, row by row. */
  readonly component: number
}

/**
 * The rows of a bitmap as runs, top to bottom and left to right, labelled by connected component (union-find over
 * overlapping runs): 4-connected, or 8-connected where pixels that share a corner count as neighbours.
 */
export function labelRuns(
  { width, height, data }: Bitmap,
  { corners = false }: { corners?: boolean } = {}
): { readonly runs: readonly Run[]; readonly components: number } {
  const runs: { y: number; x0: number; x1: number; component: number }[] = []
  const parent: number[] = []
  const reach = corners ? 1 : 0
  const root = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]]!
    return i
  }

  let above = 0 // the first run of the row above that can still overlap
  for (let y = 0; y < height; y++) {
    const start = runs.length
    const row = y * width
    for (let x = 0; x < width; x++) {
      if (data[row + x] === 0) continue
      const x0 = x
      while (x < width && data[row + x] !== 0) x++
      const at = parent.push(runs.length) - 1
      runs.push({ y, x0, x1: x, component: 0 })
      while (above < start && runs[above].x1 + reach <= x0) above++
      for (let k = above; k < start && runs[k].x0 < x + reach; k++) {
        const [a, b] = [root(k), root(at)]
        parent[Math.max(a, b)] = Math.min(a, b)
      }
    }
    above = start
  }

  let components = 0
  for (const [i, run] of runs.entries()) run.component = parent[i] === i ? components++ : runs[root(i)].component
  return { runs, components }
}
