import type { Runs } from './runs.js'

/** The connected components of a mask. */
export interface Components {
  /** Of each run, in their order: 0, 1, 2 … in order of first appearance, row by row. */
  readonly labels: Int32Array
  readonly count: number
}

/**
 * Labels runs by connected component (union-find over overlapping runs): 4-connected, or 8-connected where pixels that
 * share a corner count as neighbours.
 */
export function labelRuns(runs: Runs, { corners = false }: { corners?: boolean } = {}): Components {
  const parent = Int32Array.from({ length: runs.length / 3 }, (_, i) => i)
  const reach = corners ? 1 : 0
  const root = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]]
    return i
  }

  let above = 0 // the first run of the row above that can still overlap
  for (let i = 0; i < parent.length; i++) {
    const [y, x0, x1] = [runs[3 * i], runs[3 * i + 1], runs[3 * i + 2]]
    while (runs[3 * above] < y - 1 || (runs[3 * above] === y - 1 && runs[3 * above + 2] + reach <= x0)) above++
    for (let k = above; runs[3 * k] === y - 1 && runs[3 * k + 1] < x1 + reach; k++) {
      const [a, b] = [root(k), root(i)]
      parent[Math.max(a, b)] = Math.min(a, b)
    }
  }

  const labels = new Int32Array(parent.length)
  let count = 0
  for (let i = 0; i < parent.length; i++) labels[i] = parent[i] === i ? count++ : labels[root(i)]
  return { labels, count }
}
