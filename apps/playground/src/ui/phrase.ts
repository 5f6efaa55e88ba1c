import type { App } from '../app.js'
import { activeObject, isEmpty, newObject, setPhrase, type Session } from '../session.js'
import { h } from './dom.js'
import { icon } from './icons.js'

/** Sets the phrase of the active object if that is empty or already has a phrase, else of a new object. */
function withPhrase(session: Session, phrase: string): Session {
  const { prompts } = activeObject(session)
  return setPhrase(isEmpty(prompts) || prompts.phrase !== undefined ? session : newObject(session), phrase)
}

/** The text-prompt field. */
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
  const element = h(
    'form',
    {
      class: 'phrase',
      role: 'search',
      onsubmit: (event: Event) => {
        event.preventDefault()
        const phrase = field.value.trim()
        if (phrase) app.act(withPhrase(app.session, phrase))
      }
    },
    field,
    find
  )
  let shown: string | undefined
  return {
    element,
    update() {
      const { model, ready } = app.state
      const supportsText = model?.supportsText ?? false
      field.disabled = find.disabled = !supportsText || !ready
      field.placeholder = model && !supportsText ? 'This model has no text prompts' : 'Describe an object: a red star'
      element.title =
        model && !supportsText
          ? 'Text prompts need a model with a text projection, such as the embedded one'
          : 'Find by text (T)'
      const { phrase } = activeObject(app.session).prompts
      if (phrase !== shown && document.activeElement !== field) field.value = phrase ?? ''
      shown = phrase
    }
  }
}
