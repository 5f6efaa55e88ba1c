import type { App } from '../app.js'
import { activeObject, isEmpty, newObject, setPhrase, type Session } from '../session.js'
import { h } from './dom.js'
import { icon } from './icons.js'

/** Sets the phrase of the active object if that is empty or already has a phrase, else of a new object. */
function withPhrase(session: Session, phrase: string): Session {
  const { prompts } = activeObject(session)
  return setPhrase(isEmpty(prompts) || prompts.phrase !== undefined ? session : newObject(session), phrase)
}

/** The text-prompt field. For a phrase that the model cannot use, it says why and offers the tiny model. */
export function createPhrase(app: App): { readonly element: HTMLElement; update(): void } {
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
  const form = h(
    'form',
    {
      class: 'phrase',
      role: 'search',
      title: 'Find by text (T)',
      onsubmit: (event: Event) => {
        event.preventDefault()
        const phrase = field.value.trim()
        if (phrase) app.act(withPhrase(app.session, phrase))
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
      { type: 'button', class: 'text-button', onclick: () => app.loadModel({ kind: 'bundled', name: 'tiny' }) },
      'Use the tiny model'
    )
  )
  let shown: string | undefined
  return {
    element: h('div', {}, form, unsupported),
    update() {
      const { model, ready } = app.state
      const { phrase } = activeObject(app.session).prompts
      field.disabled = find.disabled = !ready
      field.placeholder = model?.supportsText === false ? 'Describe an object' : 'Describe an object: a red star'
      unsupported.hidden = phrase === undefined || model?.supportsText !== false
      const text =
        `${model?.name} has no text prompts, so “${phrase}” is not used. Click the object or drag a box around it. ` +
        'Or use the tiny model: it has text prompts, but knows only simple shapes and colours, such as “a red star”.'
      if (!unsupported.hidden && why.textContent !== text) why.textContent = text
      if (phrase !== shown && document.activeElement !== field) field.value = phrase ?? ''
      shown = phrase
    }
  }
}
