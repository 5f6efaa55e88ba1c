import './styles/tokens.css'
import './styles/base.css'
import './styles/stage.css'
import './styles/toolbar.css'
import './styles/panel.css'
import './styles/objects.css'
import './styles/export.css'
import './styles/dialogs.css'
import './styles/small-screens.css'
import { SamAnnotatorElement } from '@sam/annotator'
import { html, nothing, render } from 'lit-html'
import { startState, type App } from './app.js'
import { isBundledName } from './bundled-models.js'
import { createExports } from './export/exports.js'
import { asPictures, listenForImages } from './image-input.js'
import { listenForKeys } from './keys.js'
import { createModels } from './models.js'
import { keepOffline } from './offline.js'
import { openProjectStorage } from './project-storage.js'
import { defaultModel, lastModel } from './remembered-model.js'
import { iconButton } from './ui/controls.js'
import { createDialogs } from './ui/dialogs.js'
import { panel } from './ui/panel.js'
import { restoreTheme } from './ui/theme.js'
import { toolbar } from './ui/toolbar.js'
import { welcome } from './ui/welcome.js'

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const parameters = new URLSearchParams(location.search)
/** `?backend=wasm` or `?backend=webgpu`; default: WebGPU if available, else wasm. */
const requested = parameters.get('backend')
const prefer = requested === 'wasm' || requested === 'webgpu' ? requested : undefined
/** `?model=tiny` or `?model=mobile_sam`; default: the model of the last visit. */
const named = parameters.get('model')

const area = at('stage')
const element = at('canvas')
if (!(element instanceof SamAnnotatorElement)) throw new Error('<sam-annotator> is not defined')
const stage: SamAnnotatorElement = element
const { annotator } = stage

let frame = 0
let started = false
/** Shows the state on the next frame, once the parts below are there. */
const changed = (): void => {
  if (started && !frame)
    frame = requestAnimationFrame(() => {
      frame = 0
      show()
    })
}
const startWorker = (): Worker => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
let state = startState
const storage = await openProjectStorage(annotator, changed)
const app: App = {
  annotator,
  stage,
  models: createModels({ annotator, startWorker, prefer, changed }),
  exports: createExports(annotator, changed),
  storage,
  get state() {
    return state
  },
  set(part) {
    state = { ...state, ...part }
    changed()
  },
  show
}
const showDialog = createDialogs(at<HTMLDialogElement>('dialog'), app)
let shownRow = ''

function show(): void {
  const { models, exports } = app
  const { status, error, ready, busy, image } = annotator.state
  const { picture, active } = annotator
  render(picture ? toolbar(app) : nothing, at('toolbar'))
  render(panel(app), at('panel'))
  render(
    html`${picture ? nothing : welcome(app)}${
      error
        ? html`<div class="alert" role="alert">
          <p>${error.message}</p>
          ${iconButton('close', 'Dismiss', { onclick: () => annotator.set({ error: undefined }) })}
        </div>`
        : nothing
    }`,
    at('overlay')
  )
  showDialog()
  const line = at('status')
  const text = image && !models.state.model && !models.state.busy ? 'No model is loaded: choose one' : status
  if (line.textContent !== text) line.textContent = text
  area.dataset.state = busy || models.state.busy || exports.busy ? 'busy' : ready ? 'ready' : 'empty'
  document.body.dataset.tab = state.open ? state.tab : ''
  document.body.classList.toggle('has-picture', picture !== undefined)
  stage.hidden = !picture
  stage.outlines = state.edges ? exports.outlines(state.exportSettings)?.shown : undefined
  stage.marginTop = 32
  stage.marginBottom = coveredHeight()
  const row = `${active?.id} ${document.body.dataset.tab} ${state.edges}`
  if (row !== shownRow) {
    shownRow = row
    scrollToActive()
  }
}

/** Height of the bars over the lower part of the stage. The slider of the brush does not count: the picture stays. */
function coveredHeight(): number {
  const bars = [...at('toolbar').querySelectorAll('.bar')].map(bar => bar.getBoundingClientRect().top)
  return bars.length ? Math.max(0, area.getBoundingClientRect().bottom - Math.min(...bars)) : 0
}

/** Scrolls the list of objects to the selected one: to all of it, or to its first line if there is less space. */
function scrollToActive(): void {
  for (const part of ['.object.active', '.object.active .object-row'])
    document.querySelector(part)?.scrollIntoView({ block: 'nearest' })
}

/** Opens a dropped file that is no picture: a project, or a model. */
async function openOther(file: File | undefined): Promise<void> {
  if (file && /\.zip$/i.test(file.name)) await app.storage.openFile(file)
  else if (file && /\.(safetensors|pth|pt|bin)$/i.test(file.name)) await app.models.load({ kind: 'file', file })
  else annotator.fail(new Error('This file is no picture, no project (.zip) and no model (.pth, .safetensors).'))
}

annotator.subscribe(changed)
restoreTheme(changed)
listenForKeys(app)
listenForImages({
  images: files => void annotator.addPictures(asPictures(files)),
  other: file => void openOther(file),
  over: dragging => area.classList.toggle('dragging', dragging)
})
new ResizeObserver(changed).observe(area)
started = true
show()

const first = isBundledName(named) ? ({ kind: 'bundled', name: named } as const) : lastModel()
if (!(await app.models.load(first)) && first.kind !== 'bundled') {
  const { error } = annotator.state
  await app.models.load(defaultModel)
  annotator.set({ error })
}
await keepOffline(app.models.state.model?.resources ?? [])
