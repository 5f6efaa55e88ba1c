/** A line of a plot: points in data coordinates, and a label. */
export interface Line {
  readonly label: string
  readonly color: string
  readonly points: readonly (readonly [number, number])[]
  /** Whether each point is marked. */
  readonly dots?: boolean
}

/** Lines over common axes that start at 0; `top` is the upper end of the vertical axis. Default: the largest value. */
export interface Panel {
  readonly lines: readonly Line[]
  readonly top?: number
}

const [width, height, margin] = [880, 300, 48]

/** Panels below each other as one SVG, over one horizontal axis from `from` to `to`. */
export function plot(
  panels: readonly Panel[],
  { from, to, caption }: { from: number; to: number; caption: string }
): string {
  const body = panels.map(({ lines, top = Math.max(1e-9, ...lines.flatMap(l => l.points.map(([, y]) => y))) }, i) => {
    const above = i * (height + margin) + margin
    const at = ([x, y]: readonly [number, number]): readonly [string, string] => [
      (margin + ((width - 2 * margin) * (x - from)) / Math.max(1e-9, to - from)).toFixed(1),
      (above + height * (1 - Math.min(1, y / top))).toFixed(1)
    ]
    const ticks = [0, 0.25, 0.5, 0.75, 1].map(k => {
      const y = above + height * (1 - k)
      return `<path d="M${margin} ${y}H${width - margin}" stroke="#ddd"/><text x="${margin - 6}" y="${y + 4}" text-anchor="end">${(k * top).toFixed(2)}</text>`
    })
    const drawn = lines.map(
      ({ color, points, dots }) =>
        `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${points.map(p => at(p).join(',')).join(' ')}"/>` +
        (dots
          ? points
              .map(at)
              .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2.5" fill="${color}"/>`)
              .join('')
          : '')
    )
    // Above the panel, where it covers no line.
    const legend = lines.map(
      ({ color, label, points }) =>
        `<tspan fill="${color}" dx="16">${escaped(label)} ${points.at(-1)?.[1].toFixed(3) ?? ''}</tspan>`
    )
    return [
      ...ticks,
      ...drawn,
      `<text x="${width - margin}" y="${above - 10}" text-anchor="end">${legend.join('')}</text>`
    ].join('')
  })
  const bottom = panels.length * (height + margin)
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + margin}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="#fff"/>${body.join('')}<text x="${width / 2}" y="${bottom + 30}" text-anchor="middle">${escaped(caption)}</text></svg>\n`
  )
}

const escaped = (text: string): string => text.replace(/[&<>]/g, c => `&#${c.charCodeAt(0)};`)
