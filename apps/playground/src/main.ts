import './styles/tokens.css'
import './styles/app.css'
import { SamAnnotatorElement } from '@sam/annotator'
import type { App } from './app.js'
import { isBundledName } from './bundled-models.js'
import { asPictures, listenForImages } from './image-input.js'
import { createModels } from './models.js'
import { createPanel } from './panel.js'
import { h } from './ui/dom.js'
import { createModelDialog, defaultModel, lastModel } from './ui/model-dialog.js'
import { createToolbar, iconButton } from './ui/toolbar.js'
import { createWelcome } from './ui/welcome.js'

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const parameters = new URLSearchParams(location.search)
/** `?backend=wasm` or `?backend=webgpu`; default: WebGPU if available, else wasm. */
const requested = parameters.get('backend')
const prefer = requested === 'wasm' || requested === 'webgpu' ? requested : undefined
/** `?model=tiny` or `?model=mobile_sam`; default: the model of the last visit. */
const named = parameters.get('model')

const area = at('stage')
const stage = at('canvas')
if (!(stage instanceof SamAnnotatorElement)) throw new Error('<sam-annotator> is not defined')
const { annotator } = stage
const views: (() => void)[] = []
const changed = (): void => {
  for (const update of views) update()
}
const startWorker = (): Worker => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const models = createModels({ annotator, startWorker, prefer, changed })
annotator.subscribe(changed)
const app: App = { annotator, stage, models }

const dialog = createModelDialog(app)
const welcome = createWelcome(app)
const alertText = h('p')
const alert = h(
  'div',
  { class: 'alert', role: 'alert', hidden: true },
  alertText,
  iconButton('close', 'Dismiss', { onclick: () => annotator.set({ error: undefined }) })
)
area.append(welcome.element, alert)
document.body.append(dialog.element)

views.push(
  () => welcome.update(),
  createToolbar(at('toolbar'), app),
  createPanel(at('panel'), app, { chooseModel: () => dialog.open() }),
  () => {
    const { status, error, ready, busy } = annotator.state
    const line = at('status')
    if (line.textContent !== status) line.textContent = status
    alert.hidden = error === undefined
    alertText.textContent = error?.message ?? ''
    area.dataset.state = busy || models.state.busy ? 'busy' : ready ? 'ready' : 'empty'
    stage.hidden = !annotator.picture
    stage.marginTop = 32
    stage.marginBottom = Math.max(0, area.clientHeight - at('toolbar').offsetTop)
  }
)

/** Page-wide shortcuts, disabled in text fields and while a dialog is open. */
addEventListener('keydown', event => {
  const target = event.target as HTMLElement
  if (target.matches('input:not([type=range]), textarea, select') || document.querySelector('dialog[open]')) return
  const isPhrase = event.key.toLowerCase() === 't' && !event.ctrlKey && !event.metaKey && !event.altKey
  const phrase = isPhrase ? document.querySelector<HTMLInputElement>('.phrase input') : null
  if (phrase) phrase.focus()
  else if (!stage.handleKey(event)) return
  event.preventDefault()
})
listenForImages({
  images: files => void annotator.addPictures(asPictures(files)),
  other: file =>
    void (file && /\.(safetensors|pth|pt|bin)$/i.test(file.name)
      ? models.load({ kind: 'file', file })
      : annotator.fail(new Error('This file is neither an image nor a model (.pth, .safetensors).'))),
  over: dragging => area.classList.toggle('dragging', dragging)
})
changed()

const first = isBundledName(named) ? ({ kind: 'bundled', name: named } as const) : lastModel()
if (!(await models.load(first)) && first.kind !== 'bundled') {
  const { error } = annotator.state
  await models.load(defaultModel)
  annotator.set({ error })
}
