import {
  assignCategory,
  changeObject,
  colorOf,
  duplicateObject,
  categoryOf,
  objectOf,
  removeObjects,
  renameObject,
  select,
  stepObject,
  type AnnotatedObject
} from '@sam/annotator'
import { html, nothing, type TemplateResult } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import type { App } from '../app.js'
import { counted, percent } from '../format.js'
import { card, dropDown, iconButton, textButton } from './controls.js'
import { maskChoice } from './mask-choice.js'

/** The objects that the search leaves. */
export function listedObjects({ annotator, state }: App): readonly AnnotatedObject[] {
  const wanted = state.search.trim().toLowerCase()
  const objects = annotator.picture?.objects ?? []
  if (!wanted) return objects
  return objects.filter(({ name, category }) =>
    `${name} ${categoryOf(annotator.project, category)?.name ?? ''}`.toLowerCase().includes(wanted)
  )
}

/** The objects of the picture: selected, named, labelled, hidden, locked, copied, merged and removed here. */
export function objectList(app: App): TemplateResult {
  const { annotator, state } = app
  const objects = annotator.picture?.objects ?? []
  const listed = listedObjects(app)
  const { ticked } = state
  return card('objects', 'Objects', {
    hint: objects.length || undefined,
    action: html`<span class="actions">
      ${
        objects.length > 1
          ? textButton(undefined, ticked ? 'Done' : 'Select several', {
              title: 'Tick objects to merge, subtract or remove them',
              pressed: ticked !== undefined,
              onclick: () => app.set({ ticked: ticked ? undefined : new Set() })
            })
          : nothing
      }
      ${textButton('plus', 'New', { key: 'N', onclick: () => annotator.act(before => select(before, undefined)) })}
    </span>`,
    body: html`${
      objects.length > 6
        ? html`<input
            type="search"
            class="field search"
            aria-label="Search the objects"
            placeholder="Search objects"
            .value=${state.search}
            @input=${(event: Event) => app.set({ search: (event.target as HTMLInputElement).value })}
          />`
        : nothing
    }
      ${
        objects.length
          ? html`<ul class="objects scrolls" aria-label="Objects" @keydown=${(event: KeyboardEvent) => arrows(app, event)}>
            ${repeat(
              listed,
              ({ id }) => id,
              object => row(app, object)
            )}
          </ul>`
          : html`<p class="hint">Click an object in the picture, draw a box around it, or paint it.</p>`
      }
      ${objects.length && !listed.length ? html`<p class="hint">No object is called “${state.search.trim()}”.</p>` : nothing}
      ${
        annotator.active && objects.length < 3
          ? html`<p class="hint">Clicks now refine ${annotator.active.name}. New starts another object.</p>`
          : nothing
      }
      ${ticked ? tickedActions(app, ticked) : nothing}`
  })
}

/** Up and down select the neighbours in the list, Enter and F2 rename. */
function arrows(app: App, event: KeyboardEvent): void {
  const { annotator } = app
  const list = event.currentTarget as HTMLElement
  if ((event.target as HTMLElement).matches('input, select')) return
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (event.key === 'F2') list.querySelector<HTMLElement>('.active .object-name')?.focus()
  else if (step) {
    annotator.act(before => stepObject(before, step))
    app.show()
    list.querySelector<HTMLElement>('.active .object-main')?.focus()
  } else return
  event.preventDefault()
  event.stopPropagation()
}

/** What is known of an object's mask, in words. */
function factsOf({ annotator }: App, object: AnnotatedObject): string {
  const label = categoryOf(annotator.project, object.category)?.name
  const mask = annotator.maskOf(object)
  const fact = !mask
    ? 'no mask yet'
    : !mask.area
      ? 'empty mask'
      : object.score !== undefined
        ? `fits the phrase ${percent(object.score)}`
        : `${mask.area.toLocaleString('en')} px`
  return label === undefined ? fact : `${label} · ${fact}`
}

function row(app: App, object: AnnotatedObject): TemplateResult {
  const { annotator, state } = app
  const { id, name, visible, locked } = object
  const active = annotator.active === object
  const tick = (event: Event): void => {
    const next = new Set(app.state.ticked)
    if ((event.target as HTMLInputElement).checked) next.add(id)
    else next.delete(id)
    app.set({ ticked: next })
  }
  return html`<li
    class=${`object${active ? ' active' : ''}${visible ? '' : ' is-hidden'}`}
    .style=${`--object: ${colorOf(annotator.project, object)}`}
  >
    <div class="object-row">
      ${
        state.ticked
          ? html`<label class="tick">
            <input type="checkbox" aria-label=${`Tick ${name}`} .checked=${state.ticked.has(id)} @change=${tick} />
          </label>`
          : nothing
      }
      <button
        type="button"
        class="object-main"
        aria-pressed=${active}
        @click=${() => annotator.act(before => select(before, id))}
      >
        <span class="swatch" aria-hidden="true"></span>
        <span class="object-text"><span class="name">${name}</span> <small>${factsOf(app, object)}</small></span>
      </button>
      ${
        active
          ? html`${iconButton('duplicate', `Duplicate ${name}`, {
              key: 'D',
              class: 'small',
              onclick: () => annotator.act(before => duplicateObject(before, id))
            })}
            ${iconButton('trash', `Remove ${name}`, {
              key: 'Delete',
              class: 'small',
              disabled: locked,
              onclick: () => annotator.act(before => removeObjects(before, [id]))
            })}`
          : nothing
      }
      ${
        active || locked
          ? iconButton('lock', locked ? `Unlock ${name}` : `Lock ${name}`, {
              key: 'K',
              class: `small${locked ? ' on' : ''}`,
              onclick: () => annotator.act(before => changeObject(before, id, { locked: !locked }))
            })
          : nothing
      }
      ${iconButton(visible ? 'eye' : 'hidden', visible ? `Hide ${name}` : `Show ${name}`, {
        class: 'small',
        onclick: () => annotator.act(before => changeObject(before, id, { visible: !visible }))
      })}
    </div>
    ${active ? editor(app, object) : nothing}
  </li>`
}

/** Name, label and masks of the selected object. */
function editor(app: App, object: AnnotatedObject): TemplateResult {
  const { annotator } = app
  const { id, name, locked, category } = object
  const { categories } = annotator.project
  const rename = (event: Event): void =>
    annotator.act(before => renameObject(before, id, (event.target as HTMLInputElement).value))
  const label = (value: string): void => {
    if (value === 'edit') app.set({ dialog: 'labels' })
    else annotator.act(before => assignCategory(before, value ? Number(value) : undefined))
  }
  const labels = categories.map(
    option => [String(option.id), option.shortcut ? `${option.name} (${option.shortcut})` : option.name] as const
  )
  return html`<div class="object-editor">
    <input
      class="field object-name"
      aria-label="Name"
      maxlength="80"
      spellcheck="false"
      autocomplete="off"
      .value=${name}
      ?disabled=${locked}
      @change=${rename}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Enter') (event.target as HTMLElement).blur()
      }}
    />
    ${dropDown('Label', [['', 'No label'], ...labels, ['edit', 'Edit labels …']], {
      value: String(category ?? ''),
      choose: label,
      disabled: locked
    })}
    ${maskChoice(app, object)}
  </div>`
}

/** What can be done with the ticked objects. */
function tickedActions(app: App, ticked: ReadonlySet<number>): TemplateResult {
  const { annotator } = app
  const objects = (annotator.picture?.objects ?? []).filter(({ id }) => ticked.has(id))
  const [first, ...rest] = objects
  const done = (): void => app.set({ ticked: new Set() })
  const free = objects.every(({ locked }) => !locked)
  return html`<div class="ticked" role="group" aria-label="Ticked objects">
    <p class="hint">
      ${objects.length ? `${counted(objects.length, 'object')} ticked` : 'Tick objects to merge, subtract or remove them.'}
    </p>
    <div class="row">
      ${textButton('plus', 'Merge', {
        class: 'button',
        disabled: objects.length < 2 || !free,
        onclick: () => {
          annotator.merge(objects.map(({ id }) => id))
          done()
        }
      })}
      ${textButton('minus', 'Subtract', {
        class: 'button',
        disabled: objects.length < 2 || first?.locked === true,
        onclick: () => {
          for (const { id } of rest) {
            const mask = annotator.maskOf(objectOf(annotator.picture, id)!)
            if (mask) annotator.subtract(first.id, mask)
          }
          done()
        }
      })}
      ${textButton('trash', 'Remove', {
        class: 'button',
        disabled: !objects.length,
        onclick: () => {
          annotator.act(before =>
            removeObjects(
              before,
              objects.map(({ id }) => id)
            )
          )
          done()
        }
      })}
    </div>
    ${objects.length > 1 ? html`<p class="hint">Subtract takes the others away from ${first.name}.</p>` : nothing}
  </div>`
}
