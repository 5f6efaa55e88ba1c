import type { Bitmap } from './bitmap.js'
import { labelRuns } from './components.js'
import { invertRuns, runsOfBitmap, type Runs } from './runs.js'

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
  const regions = regionsOf(invertRuns(runsOfBitmap(bitmap), bitmap))
  const small = regions.areas.map(area => area < minArea)
  return { bitmap: painted(bitmap, regions, { chosen: small, value: 1 }), changed: small.includes(true) }
}

function withoutIslands(bitmap: Bitmap, minArea: number): CleanedBitmap {
  const regions = regionsOf(runsOfBitmap(bitmap))
  const { areas } = regions
  const small = areas.map(area => area < minArea)
  const kept = small.includes(false) ? undefined : areas.indexOf(areas.reduce((a, b) => Math.max(a, b), 0))
  const chosen = small.map((isSmall, label) => isSmall && label !== kept)
  return { bitmap: painted(bitmap, regions, { chosen, value: 0 }), changed: small.includes(true) }
}

interface Regions {
  readonly runs: Runs
  /** The region of each run. */
  readonly labels: Int32Array
  /** The area of each region. */
  readonly areas: readonly number[]
}

function regionsOf(runs: Runs): Regions {
  const { labels, count } = labelRuns(runs, { corners: true })
  const areas = new Array<number>(count).fill(0)
  labels.forEach((label, i) => (areas[label] += runs[3 * i + 2] - runs[3 * i + 1]))
  return { runs, labels, areas }
}

/** The bitmap with some regions filled. */
function painted(
  bitmap: Bitmap,
  { runs, labels }: Regions,
  { chosen, value }: { readonly chosen: readonly boolean[]; readonly value: 0 | 1 }
): Bitmap {
  if (!chosen.includes(true)) return bitmap
  const { width } = bitmap
  const data = bitmap.data.slice()
  labels.forEach((label, i) => {
    if (chosen[label]) data.fill(value, runs[3 * i] * width + runs[3 * i + 1], runs[3 * i] * width + runs[3 * i + 2])
  })
  return { ...bitmap, data }
}
