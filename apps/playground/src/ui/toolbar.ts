import { toolKeys, type Tool } from '@sam/annotator'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { iconButton } from './controls.js'
import { icon, type IconName } from './icons.js'

const tools: readonly { readonly tool: Tool; readonly icon: IconName; readonly label: string }[] = [
  { tool: 'select', icon: 'select', label: 'Select' },
  { tool: 'include', icon: 'include', label: 'Include' },
  { tool: 'exclude', icon: 'exclude', label: 'Exclude' },
  { tool: 'box', icon: 'box', label: 'Box' },
  { tool: 'brush', icon: 'brush', label: 'Brush' },
  { tool: 'erase', icon: 'erase', label: 'Erase' },
  { tool: 'hand', icon: 'hand', label: 'Pan' }
]

/** The floating toolbar. */
export function toolbar({ annotator, stage }: App): TemplateResult {
  const { history, tool, brush } = annotator.state
  const brushing = tool === 'brush' || tool === 'erase'
  return html`<div class="bar history" role="group" aria-label="History">
      ${iconButton('undo', 'Undo', {
        key: 'Ctrl Z',
        disabled: history.past.length === 0,
        onclick: () => annotator.undo()
      })}
      ${iconButton('redo', 'Redo', {
        key: 'Ctrl Shift Z',
        disabled: history.future.length === 0,
        onclick: () => annotator.redo()
      })}
    </div>
    ${
      brushing
        ? html`<label class="brush-size">
          <span>Size</span>
          <input
            type="range"
            min="2"
            max="160"
            aria-label="Brush size"
            .value=${String(brush)}
            @input=${(event: Event) => annotator.set({ brush: Number((event.target as HTMLInputElement).value) })}
          />
        </label>`
        : nothing
    }
    <div class="bar tools" role="group" aria-label="Tools">
      ${tools.map(
        entry =>
          html`<button
            type="button"
            class="tool"
            title=${`${entry.label} (${toolKeys[entry.tool]})`}
            aria-pressed=${tool === entry.tool}
            @click=${() => annotator.set({ tool: entry.tool })}
          >
            ${icon(entry.icon)}<span>${entry.label}</span>
          </button>`
      )}
    </div>
    <div class="bar zoom" role="group" aria-label="Zoom">
      ${iconButton('minus', 'Zoom out', { key: '−', onclick: () => stage.zoom(0.8) })}
      ${iconButton('fit', 'Fit the picture', { key: '0', onclick: () => stage.fit() })}
      ${iconButton('plus', 'Zoom in', { key: '+', onclick: () => stage.zoom(1.25) })}
    </div>`
}
