import type { Level } from '@sam/annotator'
import { html, nothing, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { counted } from '../format.js'
import { card, segments, textButton } from './controls.js'
import { textOf } from './dom.js'
import { icon } from './icons.js'

const levels: readonly (readonly [Level, string])[] = [
  ['all', 'All'],
  ['whole', 'Wholes'],
  ['part', 'Parts'],
  ['subpart', 'Subparts']
]

/** Resolves when the picture that is shown is encoded, or there is an error. */
export const whenReady = ({ annotator }: App): Promise<void> =>
  new Promise(resolve => {
    let end = (): void => {}
    const check = (): void => {
      if (!annotator.state.ready && !annotator.state.error) return
      end()
      resolve()
    }
    end = annotator.subscribe(check)
    check()
  })

async function find(app: App, phrase: string, not: readonly string[] = []): Promise<void> {
  const { annotator, models } = app
  if (!models.state.supportsText) return app.set({ refusedPhrase: phrase })
  app.set({ refusedPhrase: undefined })
  await whenReady(app)
  await annotator.addPhrase(phrase, not.length ? { not } : {})
}

async function findWithTiny(app: App, phrase: string): Promise<void> {
  if (await app.models.load({ kind: 'bundled', name: 'tiny' })) await find(app, phrase)
}

function submit(app: App, event: Event): void {
  event.preventDefault()
  const data = new FormData(event.target as HTMLFormElement)
  const text = (name: string): string => textOf(data, name)
  const not = text('not')
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)
  if (text('phrase')) void find(app, text('phrase'), not)
}

/** Finding objects by a phrase, and all objects at once. */
export function findPanel(app: App): TemplateResult {
  const { annotator, models, state } = app
  const { ready, level } = annotator.state
  const found = annotator.suggestions()
  const all = annotator.picture?.suggestions?.length ?? 0
  const { model } = models.state
  const refused = state.refusedPhrase
  return card('find', 'Find', {
    body: html`<div class="find"><form class="phrase" role="search" title="Find by a phrase (T)" @submit=${(e: Event) => submit(app, e)}>
        <input
          type="search"
          name="phrase"
          aria-label="Find by a phrase"
          placeholder=${models.state.supportsText ? 'a red star' : 'no text search'}
          enterkeyhint="search"
          maxlength="200"
          autocomplete="off"
          spellcheck="false"
          ?disabled=${!ready}
        />
        ${
          models.state.supportsText
            ? html`<input
              type="text"
              name="not"
              aria-label="But not: other phrases, with commas between them"
              placeholder="but not …"
              maxlength="200"
              autocomplete="off"
              spellcheck="false"
              ?disabled=${!ready}
            />`
            : nothing
        }
        <button type="submit" class="icon-button" aria-label="Find" title="Find" ?disabled=${!ready}>
          ${icon('search')}
        </button>
      </form>
      ${textButton('sparkles', 'Everything', {
        class: 'button',
        key: 'G',
        disabled: !ready || annotator.state.busy !== undefined,
        onclick: () => void generateAll(app)
      })}
      </div>
      ${
        refused !== undefined && !models.state.supportsText
          ? html`<div class="unsupported" role="status">
            <p>
              ${model?.name ?? 'The model'} does not search for phrases. Click the object, or draw a box around it. The
              tiny model does, but knows only simple shapes and colours.
            </p>
            ${textButton('model', 'Use the tiny model', {
              onclick: () => void findWithTiny(app, refused)
            })}
          </div>`
          : nothing
      }
      ${
        all
          ? html`<div class="suggestions">
            ${segments('Level of the masks', levels, { value: level, choose: next => annotator.set({ level: next }) })}
            <p class="hint">
              ${counted(found.length, 'mask')}${level === 'all' ? '' : ` of ${all}`}. Click one to keep it; Shift adds it
              to the selected object, Alt subtracts it. L changes the level.
            </p>
            <div class="row">
              ${textButton('check', `Keep ${found.length}`, {
                class: 'button',
                disabled: !found.length,
                onclick: () => annotator.pick(found)
              })}
              ${textButton('close', 'Dismiss', { class: 'button', onclick: () => annotator.dismiss() })}
            </div>
          </div>`
          : nothing
      }`
  })
}

/** Suggests automatic masks; clicks then choose from them. */
export async function generateAll({ annotator, models }: App): Promise<void> {
  annotator.set({ tool: 'select', level: 'all' })
  await annotator.generate(models.state.model?.automatic)
}
