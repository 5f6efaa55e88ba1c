import type { Bitmap } from './bitmap.js'
import { labelRuns, type Run } from './components.js'

/**
 * The bitmap without holes, then without islands, of fewer than `minArea` pixels; the same bitmap if there are none.
 * Regions are 8-connected. If every island is too small, the largest is kept. Meta:
 * utils/amg.py#remove_small_regions.
 */
export const removeSmallRegions = (bitmap: Bitmap, minArea: number): Bitmap =>
  withoutIslands(withoutHoles(bitmap, minArea), minArea)

function withoutHoles(bitmap: Bitmap, minArea: number): Bitmap {
  const { regions, areas } = regionsOf({ ...bitmap, data: bitmap.data.map(v => (v ? 0 : 1)) })
  return painted(
    bitmap,
    regions.filter(run => areas[run.component] < minArea),
    1
  )
}

function withoutIslands(bitmap: Bitmap, minArea: number): Bitmap {
  const { regions, areas } = regionsOf(bitmap)
  const largest = areas.indexOf(Math.max(...areas))
  const all = areas.every(area => area < minArea)
  return painted(
    bitmap,
    regions.filter(({ component }) => areas[component] < minArea && !(all && component === largest)),
    0
  )
}

function regionsOf(bitmap: Bitmap): { regions: readonly Run[]; areas: number[] } {
  const { runs, components } = labelRuns(bitmap, { corners: true })
  const areas = new Array<number>(components).fill(0)
  for (const { x0, x1, component } of runs) areas[component] += x1 - x0
  return { regions: runs, areas }
}

function painted(bitmap: Bitmap, runs: readonly Run[], value: 0 | 1): Bitmap {
  if (runs.length === 0) return bitmap
  const data = bitmap.data.slice()
  for (const { y, x0, x1 } of runs) data.fill(value, y * bitmap.width + x0, y * bitmap.width + x1)
  return { ...bitmap, data }
}
