import { plot, type Line } from './plot.js'
import type { LogEntry } from './run.js'

interface Drawn { readonly key: string; readonly label: string; readonly color: string }

const losses: readonly Drawn[] = [{ key: 'loss', label: 'loss', color: '#b33' }, { key: 'maskLoss', label: 'mask loss', color: '#d80' }]
const ious: readonly Drawn[] = [{ key: 'firstIou', label: 'IoU, first prompt', color: '#06c' }, { key: 'laterIou', label: 'IoU, later rounds', color: '#083' }]

/** Loss and IoU over iterations as one SVG to open in a browser: each line the mean of a hundredth of the run. */
export function curves(log: readonly LogEntry[]): string {
  const last = log.at(-1)?.iteration ?? 1
  const lines = (drawn: readonly Drawn[]): Line[] => drawn.map(({ key, label, color }) => ({ label, color, points: smoothed(log, key) }))
  return plot([{ lines: lines(losses) }, { lines: lines(ious), top: 1 }], { from: 0, to: last, caption: `${last} iterations` })
}

function smoothed(log: readonly LogEntry[], key: string): [number, number][] {
  const size = Math.max(1, Math.ceil(log.length / 100))
  const points: [number, number][] = []
  for (let i = 0; i < log.length; i += size) {
    const part = log.slice(i, i + size).filter(entry => Number.isFinite(entry[key]))
    if (part.length) points.push([part.at(-1)!.iteration, part.reduce((s, entry) => s + entry[key], 0) / part.length])
  }
  return points
}
