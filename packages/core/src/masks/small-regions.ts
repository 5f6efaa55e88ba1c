import type { Size } from '../image/resize.js'
import { labelRuns } from './components.js'
import { collectRuns, invertRuns, uniteRuns, type Runs } from './runs.js'

/** A mask after the removal of small regions. */
export interface CleanedRuns {
  readonly runs: Runs
  /** Whether there was a small region, including one that is kept because it is the largest island. */
  readonly changed: boolean
}

/**
 * The mask without holes, then without islands, of fewer than `minArea` pixels; the same runs if none is removed.
 * Regions are 8-connected. If every island is too small, the largest is kept. Meta:
 * utils/amg.py#remove_small_regions.
 */
export function removeSmallRegions(runs: Runs, { width, height }: Size, minArea: number): CleanedRuns {
  const holes = regionsOf(invertRuns(runs, { width, height }))
  const isSmallHole = holes.areas.map(area => area < minArea)
  const hasSmallHole = isSmallHole.includes(true)
  const filled = hasSmallHole ? uniteRuns([runs, runsIn(holes, isSmallHole)]) : runs

  const islands = regionsOf(filled)
  const isLarge = islands.areas.map(area => area >= minArea)
  const largest = isLarge.includes(true)
    ? undefined
    : islands.areas.indexOf(islands.areas.reduce((a, b) => Math.max(a, b), 0))
  const isKept = isLarge.map((large, label) => large || label === largest)
  return {
    runs: isKept.includes(false) ? runsIn(islands, isKept) : filled,
    changed: hasSmallHole || isLarge.includes(false)
  }
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

/** The runs of some regions. */
const runsIn = ({ runs, labels }: Regions, isChosen: readonly boolean[]): Runs =>
  collectRuns(visit => {
    labels.forEach((label, i) => {
      if (isChosen[label]) visit(runs[3 * i], runs[3 * i + 1], runs[3 * i + 2])
    })
  })
