import type { App } from '../app.js'
import { h } from './dom.js'
import { icon } from './icons.js'

/** The text-prompt field. If the model has no text encoder, it says so and offers the tiny model. */
export function createPhrase({ annotator, models }: App): { readonly element: HTMLElement; update(): void } {
  const field = h('input', {
    type: 'search',
    'aria-label': 'Find by text',
    enterKeyHint: 'search',
    maxLength: 200,
    autocomplete: 'off',
    spellcheck: false
  })
  const find = h(
    'button',
    { type: 'submit', class: 'icon-button', 'aria-label': 'Find', title: 'Find' },
    icon('search')
  )
  let refused: string | undefined
  const form = h(
    'form',
    {
      class: 'phrase',
      role: 'search',
      title: 'Find by text (T)',
      onsubmit: (event: Event) => {
        event.preventDefault()
        const phrase = field.value.trim()
        refused = models.state.supportsText ? undefined : phrase
        if (phrase && models.state.supportsText) void annotator.addPhrase(phrase)
        update()
      }
    },
    field,
    find
  )
  const why = h('p')
  const unsupported = h(
    'div',
    { class: 'unsupported', role: 'status' },
    why,
    h(
      'button',
      { type: 'button', class: 'text-button', onclick: () => models.load({ kind: 'bundled', name: 'tiny' }) },
      'Use the tiny model'
    )
  )
  function update(): void {
    const { model, supportsText } = models.state
    field.disabled = find.disabled = !annotator.state.ready
    field.placeholder = supportsText ? 'Describe an object: a red star' : 'Describe an object'
    if (supportsText) refused = undefined
    unsupported.hidden = refused === undefined
    const text =
      `${model?.name} has no text prompts, so “${refused}” is not used. Click the object or draw a box around it. ` +
      'Or use the tiny model: it has text prompts, but knows only simple shapes and colours, such as “a red star”.'
    if (!unsupported.hidden && why.textContent !== text) why.textContent = text
  }
  return { element: h('div', {}, form, unsupported), update }
}
