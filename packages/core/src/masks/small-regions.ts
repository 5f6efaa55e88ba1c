import type { Bitmap } from './bitmap.js'
import { labelRuns, type Run } from './components.js'

/** A bitmap after the removal of small regions. */
export interface CleanedBitmap {
  readonly bitmap: Bitmap
  /** Whether there was a small region, including one that is kept because it is the largest island. */
  readonly changed: boolean
}

/**
 * The bitmap without holes, then without islands, of fewer than `minArea` pixels; the same bitmap if none is removed.
 * Regions are 8-connected. If every island is too small, the largest is kept. Meta:
 * utils/amg.py#remove_small_regions.
 */
export function removeSmallRegions(bitmap: Bitmap, minArea: number): CleanedBitmap {
  const filled = withoutHoles(bitmap, minArea)
  const cleaned = withoutIslands(filled.bitmap, minArea)
  return { bitmap: cleaned.bitmap, changed: filled.changed || cleaned.changed }
}

function withoutHoles(bitmap: Bitmap, minArea: number): CleanedBitmap {
  const { regions, areas } = regionsOf({ ...bitmap, data: bitmap.data.map(v => (v ? 0 : 1)) })
  const small = regions.filter(run => areas[run.component] < minArea)
  return { bitmap: painted(bitmap, small, 1), changed: small.length > 0 }
}

function withoutIslands(bitmap: Bitmap, minArea: number): CleanedBitmap {
  const { regions, areas } = regionsOf(bitmap)
  const small = regions.filter(run => areas[run.component] < minArea)
  const kept = small.length === regions.length ? areas.indexOf(Math.max(...areas)) : undefined
  return {
    bitmap: painted(
      bitmap,
      small.filter(run => run.component !== kept),
      0
    ),
    changed: small.length > 0
  }
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
