import type { Tool } from '@sam/annotator'
import type { App } from '../app.js'
import { h } from './dom.js'
import { icon, type IconName } from './icons.js'

const tools: readonly { readonly tool: Tool; readonly icon: IconName; readonly label: string; readonly key: string }[] =
  [
    { tool: 'select', icon: 'select', label: 'Select', key: 'V' },
    { tool: 'include', icon: 'include', label: 'Include', key: 'P' },
    { tool: 'exclude', icon: 'exclude', label: 'Exclude', key: 'X' },
    { tool: 'box', icon: 'box', label: 'Box', key: 'B' },
    { tool: 'brush', icon: 'brush', label: 'Brush', key: 'M' },
    { tool: 'erase', icon: 'erase', label: 'Erase', key: 'E' },
    { tool: 'hand', icon: 'hand', label: 'Pan', key: 'H' }
  ]

export const iconButton = (
  name: IconName,
  label: string,
  options: { key?: string; onclick: () => void; class?: string }
): HTMLButtonElement =>
  h(
    'button',
    {
      type: 'button',
      class: options.class ?? 'icon-button',
      'aria-label': label,
      title: options.key ? `${label} (${options.key})` : label,
      onclick: options.onclick
    },
    icon(name)
  )

/** The floating toolbar. Returns its update function. */
export function createToolbar(root: HTMLElement, { annotator, stage }: App): () => void {
  const buttons = tools.map(({ tool, icon: name, label, key }) => {
    const button = h(
      'button',
      { type: 'button', class: 'tool', title: `${label} (${key})`, onclick: () => annotator.set({ tool }) },
      icon(name),
      h('span', {}, label)
    )
    return { tool, button }
  })
  const undo = iconButton('undo', 'Undo', { key: 'Ctrl Z', onclick: () => annotator.undo() })
  const redo = iconButton('redo', 'Redo', { key: 'Ctrl Shift Z', onclick: () => annotator.redo() })
  const size = h('input', {
    type: 'range',
    min: '4',
    max: '160',
    'aria-label': 'Brush size',
    oninput: () => annotator.set({ brush: Number(size.value) })
  })
  const sizer = h('label', { class: 'brush-size' }, h('span', {}, 'Size'), size)
  root.append(
    h('div', { class: 'bar history', role: 'group', 'aria-label': 'History' }, undo, redo),
    h(
      'div',
      { class: 'tools-stack' },
      sizer,
      h('div', { class: 'bar tools', role: 'group', 'aria-label': 'Tools' }, ...buttons.map(b => b.button))
    ),
    h(
      'div',
      { class: 'bar zoom', role: 'group', 'aria-label': 'Zoom' },
      iconButton('minus', 'Zoom out', { key: '−', onclick: () => stage.zoom(0.8) }),
      iconButton('fit', 'Fit the image', { key: '0', onclick: () => stage.fit() }),
      iconButton('plus', 'Zoom in', { key: '+', onclick: () => stage.zoom(1.25) })
    )
  )
  return () => {
    root.hidden = !annotator.picture
    const { past, future } = annotator.state.history
    undo.disabled = past.length === 0
    redo.disabled = future.length === 0
    for (const { tool, button } of buttons) button.setAttribute('aria-pressed', String(annotator.state.tool === tool))
    sizer.hidden = annotator.state.tool !== 'brush' && annotator.state.tool !== 'erase'
    size.value = String(annotator.state.brush)
  }
}
