import type { Box } from '@sam/core'
import type { Position, Project, Prompts } from '../document/project.js'
import { changeBox, movePoint } from '../document/prompts.js'
import { cornersOf } from './draw.js'

/** What of the prompts can be dragged: a point, or a corner of the box. */
export type Handle = { readonly point: number } | { readonly corner: number }

/** The handle nearest to a position, within a distance in picture pixels. */
export function handleAt(prompts: Prompts | undefined, [x, y]: Position, within: number): Handle | undefined {
  const { points = [], box } = prompts ?? {}
  const handles = [
    ...points.map((point, i) => ({ handle: { point: i }, at: [point.x, point.y] as const })),
    ...(box ? cornersOf(box).map((at, i) => ({ handle: { corner: i }, at })) : [])
  ]
  const distance = ({ at }: { at: Position }): number => Math.hypot(at[0] - x, at[1] - y)
  const near = handles.filter(handle => distance(handle) <= within)
  return near.sort((a, b) => distance(a) - distance(b))[0]?.handle
}

/** The box between two corners; undefined if it has no area. */
export function boxOf([ax, ay]: Position, [bx, by]: Position): Box | undefined {
  const box: Box = [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)]
  return box[2] > box[0] && box[3] > box[1] ? box : undefined
}

const draggedBox = (box: Box, corner: number, at: Position): Box | undefined => boxOf(cornersOf(box)[3 - corner], at)

/** The prompts while a handle is at a position, without the mask that they refine: as after {@link dropHandle}. */
export function draggedPrompts({ points, box, from }: Prompts, handle: Handle, at: Position): Prompts {
  if ('corner' in handle) return { points, box: (box && draggedBox(box, handle.corner, at)) ?? box, from }
  return { points: points.map((p, i) => (i === handle.point ? { ...p, x: at[0], y: at[1] } : p)), box, from }
}

/** Moves a point or a corner of the selected object's prompts. */
export function dropHandle(project: Project, { prompts, handle, at }: Dropped): Project {
  if ('point' in handle) return movePoint(project, handle.point, at)
  const box = prompts.box && draggedBox(prompts.box, handle.corner, at)
  return box ? changeBox(project, box) : project
}

export interface Dropped {
  readonly prompts: Prompts
  readonly handle: Handle
  readonly at: Position
}
