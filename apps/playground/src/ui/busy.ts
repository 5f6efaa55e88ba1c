import type { Task } from '@sam/annotator'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'

/** What is in progress, each with a button that stops it. */
export function busy({ annotator, models, exports }: App): TemplateResult {
  const item = (task: Task | undefined, stop: () => void) =>
    task
      ? html`<div class="busy">
          <div>
            <span>${task.text}</span>
            <button type="button" class="text-button" aria-label=${`Stop: ${task.text}`} @click=${stop}>Stop</button>
          </div>
          ${
            task.part === undefined
              ? html`<progress aria-label=${task.text}></progress>`
              : html`<progress aria-label=${task.text} .value=${task.part}></progress>`
          }
        </div>`
      : nothing
  return html`${item(models.state.busy, () => models.stop())}${item(annotator.state.busy, () => annotator.stop())}${item(
    exports.busy,
    () => exports.stop()
  )}`
}
