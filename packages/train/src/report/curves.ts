import type { LogEntry } from './log.js'
import { plot, type Line } from './plot.js'

interface Drawn {
  readonly key: string
  readonly label: string
  readonly color: string
  readonly dots?: boolean
}

const losses: readonly Drawn[] = [
  { key: 'loss', label: 'loss', color: '#b33' },
  { key: 'maskLoss', label: 'mask loss', color: '#d80' }
]
const ious: readonly Drawn[] = [
  { key: 'firstIou', label: 'IoU, first prompt', color: '#9bd' },
  { key: 'laterIou', label: 'IoU, later steps', color: '#9c9' },
  { key: 'textIou', label: 'IoU, first prompt a crop', color: '#d6c' },
  { key: 'heldOutClick', label: 'held out, one click', color: '#06c', dots: true },
  { key: 'heldOutOracle', label: 'held out, best of three', color: '#80c', dots: true },
  { key: 'heldOutBox', label: 'held out, box', color: '#c60', dots: true },
  { key: 'heldOutClicks', label: 'held out, all clicks', color: '#083', dots: true }
]

/**
 * Loss and IoU over iterations as one SVG: lines are means over hundredths of the run, dots are evaluations.
 */
export function curves(log: readonly LogEntry[]): string {
  const last = log.at(-1)?.iteration ?? 1
  const lines = (drawn: readonly Drawn[]): Line[] =>
    drawn
      .map(({ key, ...look }) => ({ ...look, points: look.dots ? all(log, key) : smoothed(log, key) }))
      .filter(l => l.points.length)
  return plot([{ lines: lines(losses) }, { lines: lines(ious), top: 1 }], {
    from: 0,
    to: last,
    caption: `${last} iterations`
  })
}

const all = (log: readonly LogEntry[], key: string): [number, number][] =>
  log.filter(entry => Number.isFinite(entry[key])).map(entry => [entry.iteration, entry[key]])

function smoothed(log: readonly LogEntry[], key: string): [number, number][] {
  const size = Math.max(1, Math.ceil(log.length / 100))
  const points: [number, number][] = []
  for (let i = 0; i < log.length; i += size) {
    const part = all(log.slice(i, i + size), key)
    if (part.length) points.push([part.at(-1)![0], part.reduce((sum, [, v]) => sum + v, 0) / part.length])
  }
  return points
}
