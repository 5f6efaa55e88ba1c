import type { App } from '../app.js'
import { activeObject, isEmpty, newObject, setPhrase, type Session } from '../session.js'
import { h } from './dom.js'
import { icon } from './icons.js'

/** A phrase is about the active object where that is empty or was named by a phrase, else about a new one. */
function saying(session: Session, phrase: string): Session {
  const { prompts } = activeObject(session)
  return setPhrase(isEmpty(prompts) || prompts.phrase !== undefined ? session : newObject(session), phrase)
}

/** Where a thing is asked for by its name. */
export function createPhrase(app: App): { readonly element: HTMLElement; update(): void } {
  const field = h('input', {
    type: 'search',
    'aria-label': 'Find by name',
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
        if (phrase) app.act(saying(app.session, phrase))
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
      const takes = model?.takesWords ?? false
      field.disabled = find.disabled = !takes || !ready
      field.placeholder = model && !takes ? 'This model takes no words' : 'Name a thing: a red star'
      element.title =
        model && !takes
          ? 'Only a model with a text projection finds things by name; the embedded one does'
          : 'Find by name (T)'
      const { phrase } = activeObject(app.session).prompts
      if (phrase !== shown && document.activeElement !== field) field.value = phrase ?? ''
      shown = phrase
    }
  }
}
