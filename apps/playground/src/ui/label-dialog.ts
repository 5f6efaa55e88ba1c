import { addCategory, changeCategory, removeCategory, type Category } from '@sam/annotator'
import { html, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { App } from '../app.js'
import { iconButton } from './controls.js'
import { textOf } from './dom.js'

/** The labels of the project: their names, colours and shortcuts. */
export function labelDialog({ annotator }: App): TemplateResult {
  const change = (id: number, part: Partial<Omit<Category, 'id'>>): void =>
    annotator.act(before => changeCategory(before, id, part))
  const value = (event: Event): string => (event.target as HTMLInputElement).value.trim()
  const row = ({ id, name, color, shortcut }: Category): TemplateResult =>
    html`<li>
      <input
        type="color"
        aria-label=${`Colour of ${name}`}
        .value=${color}
        @change=${(event: Event) => change(id, { color: value(event) })}
      />
      <input
        class="field"
        aria-label="Name of the label"
        maxlength="60"
        .value=${name}
        @change=${(event: Event) => {
          if (value(event)) change(id, { name: value(event) })
          else (event.target as HTMLInputElement).value = name
        }}
      />
      <input
        class="field key"
        aria-label=${`Key of ${name}`}
        placeholder="key"
        maxlength="1"
        .value=${shortcut ?? ''}
        @change=${(event: Event) => change(id, { shortcut: value(event) || undefined })}
      />
      ${iconButton('trash', `Remove the label ${name}`, {
        onclick: () => annotator.act(before => removeCategory(before, id))
      })}
    </li>`
  const { categories } = annotator.project
  return html`<ul class="labels" aria-label="Labels">
      ${repeat(categories, ({ id }) => id, row)}
    </ul>
    <form
      class="address"
      @submit=${(event: Event) => {
        event.preventDefault()
        const form = event.target as HTMLFormElement
        annotator.act(before => addCategory(before, textOf(new FormData(form), 'name')))
        form.reset()
      }}
    >
      <input class="field" name="name" aria-label="New label" placeholder="New label: cat" maxlength="60" required />
      <button type="submit" class="button">Add</button>
    </form>
    <p class="hint">The key of a label gives it to the selected object, and to the objects that are made next.</p>`
}
