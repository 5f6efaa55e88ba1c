import type { LogEntry } from './run.js'

const [width, height, margin] = [880, 300, 48]
const lines = [
  { key: 'loss', label: 'loss', color: '#b33', panel: 0 },
  { key: 'maskLoss', label: 'mask loss', color: '#d80', panel: 0 },
  { key: 'firstIou', label: 'IoU, first prompt', color: '#06c', panel: 1 },
  { key: 'laterIou', label: 'IoU, later rounds', color: '#083', panel: 1 }
] as const

/** Loss and IoU over iterations as one SVG to open in a browser: each line the mean of a hundredth of the run. */
export function curves(log: readonly LogEntry[]): string {
  const last = log.at(-1)?.iteration ?? 1
  const body = [0, 1].map(panel => {
    const top = panel * (height + margin)
    const own = lines.filter(line => line.panel === panel)
    const values = own.map(({ key }) => smoothed(log, key))
    const limit = panel === 1 ? 1 : Math.max(0.1, ...values.flat().map(([, v]) => v))
    const at = ([x, v]: readonly [number, number]): string => `${(margin + (width - 2 * margin) * x / last).toFixed(1)},${(top + margin + height * (1 - v / limit)).toFixed(1)}`
    const ticks = [0, 0.25, 0.5, 0.75, 1].map(k => {
      const y = top + margin + height * (1 - k)
      return `<path d="M${margin} ${y}H${width - margin}" stroke="#ddd"/><text x="${margin - 6}" y="${y + 4}" text-anchor="end">${(k * limit).toFixed(2)}</text>`
    })
    const drawn = own.map(({ color, label }, i) => `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${values[i].map(at).join(' ')}"/>`
      + `<text x="${width - margin}" y="${top + margin + 16 + 16 * i}" fill="${color}" text-anchor="end">${label} ${values[i].at(-1)?.[1].toFixed(3) ?? ''}</text>`)
    return [...ticks, ...drawn].join('')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${2 * (height + margin) + margin}" font-family="sans-serif" font-size="12">`
    + `<rect width="100%" height="100%" fill="#fff"/>${body.join('')}<text x="${width / 2}" y="${2 * (height + margin) + 30}" text-anchor="middle">${last} iterations</text></svg>`
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
