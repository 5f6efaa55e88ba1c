import { assignCategory } from '../document/categories.js'
import { removeObjects, select, stepObject } from '../document/objects.js'
import { stepPicture } from '../document/pictures.js'
import type { Annotator, Level, Tool } from '../store/annotator.js'
import { refusesLocked } from './click.js'
import type { Stage } from './stage.js'

/** The shortcuts, for a help dialog. */
export const keyHelp: readonly (readonly [keys: string, action: string])[] = [
  ['V', 'Select by clicking'],
  ['P · X', 'Include · exclude by clicking'],
  ['Right click, Shift + click', 'Exclude'],
  ['Click a point', 'Remove it'],
  ['Drag a point or a corner', 'Move it'],
  ['Alt + click', 'A point, even on another object'],
  ['B', 'Box'],
  ['M · E', 'Brush · eraser'],
  ['[ ]', 'Smaller · larger brush'],
  ['H, or Space + drag', 'Pan; two fingers scroll'],
  ['+ − 0', 'Zoom in · out · fit; pinch, or Ctrl + wheel'],
  ['N, Escape', 'New object'],
  ['1 2 3', 'Choose a mask, else a label (category)'],
  [', .', 'Previous · next object'],
  ['Page up · Page down', 'Previous · next picture'],
  ['L', 'Level of the automatic masks'],
  ['Delete', 'Remove the object'],
  ['Ctrl Z · Ctrl Shift Z', 'Undo · redo'],
  ['Arrows', 'On the picture: move the crosshair; Shift: far, Alt: one pixel'],
  ['Enter', 'At the crosshair: click; with the box, set a corner; with the brush, begin and end a stroke']
]

/** The shortcut of each tool. */
export const toolKeys: Readonly<Record<Tool, string>> = {
  select: 'V',
  include: 'P',
  exclude: 'X',
  box: 'B',
  brush: 'M',
  erase: 'E',
  hand: 'H'
}
const tools = new Map(Object.entries(toolKeys).map(([tool, key]) => [key.toLowerCase(), tool as Tool]))

const levels: readonly Level[] = ['all', 'whole', 'part', 'subpart']

/** Handles a shortcut. Returns whether it was one. */
export function handleKey(annotator: Annotator, stage: Pick<Stage, 'fit' | 'zoom'>, event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase()
  if (event.ctrlKey || event.metaKey) {
    if (key === 'y' || (key === 'z' && event.shiftKey)) annotator.redo()
    else if (key === 'z') annotator.undo()
    else return false
    return true
  }
  if (event.altKey || !annotator.picture) return false
  const { state, active, project } = annotator
  const category = project.categories.find(({ shortcut }) => shortcut?.toLowerCase() === key)
  const masks = active && annotator.candidates(active)
  const isChoice = /^[1-9]$/.test(key) && (masks?.length ?? 0) > 1 && !active?.locked
  if (isChoice && masks?.[Number(key) - 1]) annotator.choose(Number(key) - 1)
  else if (category) annotator.act(before => assignCategory(before, category.id))
  else if (tools.has(key)) annotator.set({ tool: tools.get(key)! })
  else if (key === 'n') {
    annotator.act(before => select(before, undefined))
    annotator.set({ status: 'New object: click it, draw a box around it, or paint it' })
  } else if (key === 'l') annotator.set({ level: levels[(levels.indexOf(state.level) + 1) % levels.length] })
  else if (key === ',' || key === '.') annotator.act(before => stepObject(before, key === ',' ? -1 : 1))
  else if (key === 'pageup' || key === 'pagedown')
    annotator.act(before => stepPicture(before, key === 'pageup' ? -1 : 1))
  else if (key === 'delete' || key === 'backspace') {
    if (active && !refusesLocked(annotator, active)) annotator.act(before => removeObjects(before, [active.id]))
  } else if (key === '+' || key === '=') stage.zoom(1.25)
  else if (key === '-') stage.zoom(0.8)
  else if (key === '0') stage.fit()
  else if (key === '[' || key === ']')
    annotator.set({ brush: Math.max(2, Math.min(160, state.brush * (key === '[' ? 0.8 : 1.25))) })
  else return false
  return true
}
