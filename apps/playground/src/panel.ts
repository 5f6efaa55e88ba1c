import type { App } from './app.js'
import { keyHelp } from '@sam/annotator'
import { createCandidates } from './ui/candidates.js'
import { h } from './ui/dom.js'
import { createExport } from './ui/export.js'
import { icon } from './ui/icons.js'
import { createObjects } from './ui/objects.js'
import { createPhrase } from './ui/phrase.js'
import { themeButton } from './ui/theme.js'
import { iconButton } from './ui/toolbar.js'
import { imageButtons } from './ui/welcome.js'

/** The side panel. Returns its update function. */
export function createPanel(root: HTMLElement, app: App, { chooseModel }: { chooseModel: () => void }): () => void {
  const keys = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'keys-title' },
    h(
      'header',
      {},
      h('h2', { id: 'keys-title' }, 'Keyboard'),
      iconButton('close', 'Close', { onclick: () => keys.close() })
    ),
    h(
      'dl',
      { class: 'keys' },
      ...[...keyHelp, ['T', 'Find by text'] as const].flatMap(([key, what]) => [h('dt', {}, key), h('dd', {}, what)])
    )
  )
  const { annotator, models } = app
  const stop = (): void => {
    annotator.stop()
    models.stop()
  }
  const modelName = h('strong')
  const modelNote = h('small')
  const model = h(
    'button',
    { type: 'button', class: 'choice model', onclick: chooseModel },
    icon('model'),
    h('span', {}, modelName, modelNote)
  )
  const progress = h('progress', { 'aria-label': 'Progress' })
  const busyText = h('span')
  const busy = h(
    'div',
    { class: 'busy' },
    h('div', {}, busyText, h('button', { type: 'button', class: 'text-button', onclick: stop }, 'Stop')),
    progress
  )
  const parts = [createPhrase(app), createObjects(app), createCandidates(app), createExport(app)]
  const work = h('div', { class: 'work' }, ...parts.map(p => p.element))
  root.append(
    h(
      'header',
      { class: 'brand' },
      h('span', { class: 'logo', 'aria-hidden': 'true' }),
      h('strong', {}, 'Segment Anything'),
      iconButton('keys', 'Keyboard', { onclick: () => keys.showModal() }),
      themeButton()
    ),
    h('section', { class: 'card' }, model, busy),
    work,
    h('footer', { class: 'another' }, ...imageButtons(app, 'text-button')),
    keys
  )

  return () => {
    const { model: loaded } = models.state
    const waiting = models.state.busy ?? annotator.state.busy
    const image = annotator.picture
    modelName.textContent = loaded ? loaded.name : waiting ? 'Model' : 'Choose a model'
    modelNote.textContent = loaded
      ? `${loaded.backend.name === 'webgpu' ? 'WebGPU' : 'WebAssembly'} · ${loaded.note}`
      : 'no model loaded'
    model.title = loaded ? `${loaded.backend.name}: ${loaded.backend.because}` : 'Choose a model'
    busy.hidden = !waiting
    busyText.textContent = waiting?.text ?? ''
    if (waiting?.part === undefined) progress.removeAttribute('value')
    else progress.value = waiting.part
    work.hidden = !image
    root.querySelector<HTMLElement>('.another')!.hidden = !image
    for (const part of parts) part.update()
  }
}
