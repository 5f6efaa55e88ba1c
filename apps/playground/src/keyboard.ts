import type { App, Tool } from './app.js'
import { activeObject, newObject, removeObject } from './session.js'
import type { Stage } from './stage.js'

/** Shortcuts, as listed in the help dialog. */
export const keyHelp: readonly (readonly [string, string])[] = [
  ['P · X', 'Include · exclude by clicking'],
  ['Shift + click', 'The opposite label'],
  ['B or drag', 'Box'],
  ['T', 'Find by text'],
  ['M · E', 'Paint · erase a mask prompt'],
  ['H', 'Pan the image'],
  ['1 2 3', 'Choose a mask'],
  ['N · Delete', 'New object · remove object'],
  ['Ctrl Z · Ctrl Shift Z', 'Undo · redo'],
  ['+ − 0', 'Zoom in · out · fit'],
  ['[ ]', 'Smaller · larger brush'],
  ['Arrows, Enter', 'On the image: move the crosshair, click (Shift: exclude)']
]

const tools: Readonly<Record<string, Tool>> = {
  p: 'include',
  x: 'exclude',
  b: 'box',
  m: 'brush',
  e: 'erase',
  h: 'hand'
}

/** Page-wide shortcuts, disabled in text fields and while a dialog is open. */
export function listenKeys(app: App, stage: Stage): void {
  addEventListener('keydown', event => {
    const target = event.target as HTMLElement
    if (target.matches('input:not([type=range]), textarea, select') || document.querySelector('dialog[open]')) return
    const key = event.key.toLowerCase()
    const command = event.ctrlKey || event.metaKey
    if (command && key === 'z') return run(event, () => (event.shiftKey ? app.redo() : app.undo()))
    if (command && key === 'y') return run(event, () => app.redo())
    if (command || event.altKey || !app.state.image) return
    const object = activeObject(app.session)
    if (tools[key]) run(event, () => app.set({ tool: tools[key] }))
    else if (/^[1-9]$/.test(key)) run(event, () => app.choose(Number(key) - 1))
    else if (key === 't') run(event, () => document.querySelector<HTMLInputElement>('.phrase input')?.focus())
    else if (key === 'n') run(event, () => app.act(newObject(app.session)))
    else if (key === 'delete' || key === 'backspace') run(event, () => app.act(removeObject(app.session, object.id)))
    else if (key === '+' || key === '=') run(event, () => stage.zoom(1.25))
    else if (key === '-') run(event, () => stage.zoom(0.8))
    else if (key === '0') run(event, () => stage.fit())
    else if (key === '[' || key === ']')
      run(event, () => app.set({ brush: Math.max(4, Math.min(160, app.state.brush * (key === '[' ? 0.8 : 1.25))) }))
  })
}

function run(event: KeyboardEvent, action: () => void): void {
  event.preventDefault()
  action()
}
