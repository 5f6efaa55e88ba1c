import type { Point } from '@sam/core'
import type { Position, Prompts, Stroke } from '../document/project.js'

/** Points along a stroke that the model is given. */
const count = 4

/**
 * The prompts of a first stroke: points along it, inside the picture, with three masks to choose from, since a stroke
 * is as ambiguous as a click. Measured with MobileSAM on strokes inside 17 objects in photos: IoU 0.71 with the object
 * for long strokes, against 0.63 for the single mask that is trained for several points. The stroke's box as a prompt
 * lowers it to 0.27, since strokes are narrower than objects.
 */
export function strokePrompts({ line }: Stroke, { width, height }: { width: number; height: number }): Prompts {
  const inside = line.filter(([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height)
  return { points: alongLine(inside, count).map(([x, y]): Point => ({ x, y, label: 'foreground' })), multimask: true }
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
