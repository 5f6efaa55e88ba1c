import { renamed, type App } from '../app.js'
import { percent } from '../format.js'
import { change, colorOf, isEmpty, newObject, removeObject, select, type SessionObject } from '../session.js'
import { h } from './dom.js'
import { icon } from './icons.js'
import { iconButton } from './toolbar.js'

interface Row {
  readonly element: HTMLElement
  update(object: SessionObject): void
}

/** The list of objects, each with its colour, editable name, score and visibility. */
export function createObjects(app: App): { readonly element: HTMLElement; update(): void } {
  const list = h('ul', { class: 'objects', 'aria-label': 'Objects' })
  const rows = new Map<number, Row>()
  const add = h(
    'button',
    { type: 'button', class: 'text-button', title: 'New object (N)', onclick: () => app.act(newObject(app.session)) },
    icon('plus'),
    'New object'
  )

  function createRow(id: number): Row {
    const name = h('input', {
      class: 'object-name',
      'aria-label': 'Name',
      spellcheck: false,
      maxLength: 80,
      onchange: () => app.act(renamed(app.session, id, name.value)),
      onfocus: () => {
        if (app.session.active !== id) app.act(select(app.session, id))
      },
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === 'Enter') name.blur()
      }
    })
    const swatch = h('button', { type: 'button', class: 'swatch', onclick: () => app.act(select(app.session, id)) })
    const score = h('span', { class: 'object-score' })
    const eye = h('button', {
      type: 'button',
      class: 'icon-button small',
      onclick: () => app.act(change(app.session, id, { visible: !app.session.objects.find(o => o.id === id)!.visible }))
    })
    const remove = iconButton('trash', 'Remove', {
      class: 'icon-button small',
      onclick: () => app.act(removeObject(app.session, id))
    })
    const element = h(
      'li',
      {
        class: 'object',
        onclick: (event: Event) => {
          if (event.target === element) app.act(select(app.session, id))
        }
      },
      swatch,
      name,
      score,
      eye,
      remove
    )
    return {
      element,
      update(object) {
        const active = object.id === app.session.active
        element.classList.toggle('active', active)
        element.style.setProperty('--object', colorOf(object))
        if (document.activeElement !== name) name.value = object.name
        swatch.setAttribute('aria-label', `Select ${object.name}`)
        swatch.setAttribute('aria-pressed', String(active))
        const best = app.candidates(object)?.[object.choice]
        score.textContent = best ? percent(best.score) : isEmpty(object.prompts) ? '' : '…'
        eye.setAttribute('aria-label', object.visible ? `Hide ${object.name}` : `Show ${object.name}`)
        eye.title = object.visible ? 'Hide' : 'Show'
        eye.replaceChildren(icon(object.visible ? 'eye' : 'hidden'))
        remove.setAttribute('aria-label', `Remove ${object.name}`)
      }
    }
  }

  return {
    element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Objects'), add), list),
    update() {
      const { objects } = app.session
      for (const [id, row] of rows) {
        if (objects.some(o => o.id === id)) continue
        row.element.remove()
        rows.delete(id)
      }
      objects.forEach((object, i) => {
        let row = rows.get(object.id)
        if (!row) rows.set(object.id, (row = createRow(object.id)))
        if (list.children[i] !== row.element) list.insertBefore(row.element, list.children[i] ?? null)
        row.update(object)
      })
    }
  }
}
