import {
  changeObject,
  colorOf,
  isBlank,
  objectOf,
  removeObjects,
  renameObject,
  select,
  type AnnotatedObject
} from '@sam/annotator'
import type { App } from '../app.js'
import { percent } from '../format.js'
import { h } from './dom.js'
import { icon } from './icons.js'
import { iconButton } from './toolbar.js'

interface Row {
  readonly element: HTMLElement
  update(object: AnnotatedObject): void
}

/** The list of objects, each with its colour, editable name, score and visibility. */
export function createObjects({ annotator }: App): { readonly element: HTMLElement; update(): void } {
  const list = h('ul', { class: 'objects', 'aria-label': 'Objects' })
  const rows = new Map<number, Row>()
  const add = h(
    'button',
    {
      type: 'button',
      class: 'text-button',
      title: 'New object (N)',
      onclick: () => annotator.act(project => select(project, undefined))
    },
    icon('plus'),
    'New object'
  )

  function createRow(id: number): Row {
    const name = h('input', {
      class: 'object-name',
      'aria-label': 'Name',
      spellcheck: false,
      maxLength: 80,
      onchange: () => annotator.act(project => renameObject(project, id, name.value)),
      onfocus: () => {
        annotator.act(project => select(project, id))
      },
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === 'Enter') name.blur()
      }
    })
    const swatch = h('button', {
      type: 'button',
      class: 'swatch',
      onclick: () => annotator.act(project => select(project, id))
    })
    const score = h('span', { class: 'object-score' })
    const eye = h('button', {
      type: 'button',
      class: 'icon-button small',
      onclick: () => {
        const visible = !objectOf(annotator.picture, id)?.visible
        annotator.act(project => changeObject(project, id, { visible }))
      }
    })
    const remove = iconButton('trash', 'Remove', {
      class: 'icon-button small',
      onclick: () => annotator.act(project => removeObjects(project, [id]))
    })
    const element = h(
      'li',
      {
        class: 'object',
        onclick: (event: Event) => {
          if (event.target === element) annotator.act(project => select(project, id))
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
        const active = object.id === annotator.picture?.active
        element.classList.toggle('active', active)
        element.style.setProperty('--object', colorOf(annotator.project, object))
        if (document.activeElement !== name) name.value = object.name
        swatch.setAttribute('aria-label', `Select ${object.name}`)
        swatch.setAttribute('aria-pressed', String(active))
        const best = annotator.candidates(object)?.[object.choice] ?? object.base
        score.textContent = best ? percent(object.score ?? best.predictedIou) : isBlank(object) ? '' : '…'
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
      const { objects = [] } = annotator.picture ?? {}
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
