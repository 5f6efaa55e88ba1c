import type { Box, Point } from '@sam/core'
import type { Position, Prompts, Stroke } from '../document/project.js'

/** Points along a stroke that the model is given. */
const count = 4

/** The prompts of a first stroke: points along it, inside the picture. */
export function strokePrompts({ line }: Stroke, { width, height }: { width: number; height: number }): Prompts {
  const inside = line.filter(([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height)
  return { points: alongLine(inside, count).map(([x, y]): Point => ({ x, y, label: 'foreground' })) }
}

/** Positions on a line at equal distances along it, in the middle of equal parts. */
function alongLine(line: readonly Position[], parts: number): Position[] {
  if (!line.length) return []
  const lengths = line.slice(1).map(([x, y], i) => Math.hypot(x - line[i][0], y - line[i][1]))
  const total = lengths.reduce((sum, length) => sum + length, 0)
  if (!total) return [line[0]]
  return Array.from({ length: parts }, (_, k) => {
    let left = ((k + 0.5) / parts) * total
    const i = Math.max(
      0,
      lengths.findIndex(length => (left -= length) <= 0)
    )
    const part = lengths[i] ? 1 + left / lengths[i] : 0
    const [[ax, ay], [bx, by]] = [line[i], line[i + 1]]
    return [ax + part * (bx - ax), ay + part * (by - ay)]
  })
}

/** The pixels' box of a line with its radius, inside the picture; undefined if it is outside. */
export function strokeBox(
  { line, radius }: Stroke,
  { width, height }: { width: number; height: number }
): Box | undefined {
  const [xs, ys] = [line.map(([x]) => x), line.map(([, y]) => y)]
  const box: Box = [
    Math.max(0, Math.min(...xs) - radius),
    Math.max(0, Math.min(...ys) - radius),
    Math.min(width, Math.max(...xs) + radius),
    Math.min(height, Math.max(...ys) + radius)
  ]
  return box[0] < box[2] && box[1] < box[3] ? box : undefined
}
