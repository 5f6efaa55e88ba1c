import './styles/tokens.css'
import './styles/app.css'
import { connect } from '@sam/worker'
import { createApp } from './app.js'
import { isBundledName } from './bundled-models.js'
import { readImage, listenForImages } from './image-input.js'
import { listenKeys } from './keyboard.js'
import { createPanel } from './panel.js'
import type { Calls } from './protocol.js'
import { createStage } from './stage.js'
import { h } from './ui/dom.js'
import { createModelDialog, defaultModel, lastModel } from './ui/model-dialog.js'
import { createToolbar, iconButton } from './ui/toolbar.js'
import { createWelcome, openImage } from './ui/welcome.js'

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const parameters = new URLSearchParams(location.search)
/** `?backend=wasm` or `?backend=webgpu`; default: WebGPU if available, else wasm. */
const requested = parameters.get('backend')
const prefer = requested === 'wasm' || requested === 'webgpu' ? requested : undefined
/** `?model=tiny` or `?model=mobile_sam`; default: the model of the last visit. */
const named = parameters.get('model')

const area = at('stage')
const { call } = connect<Calls>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }))
const views: (() => void)[] = []
const app = createApp({
  call,
  prefer,
  changed: () => {
    for (const update of views) update()
  }
})
const stage = createStage(at<HTMLCanvasElement>('canvas'), app, () => area.clientHeight - at('toolbar').offsetTop)
const models = createModelDialog(app, call)
const welcome = createWelcome(app)
const alertText = h('p')
const alert = h(
  'div',
  { class: 'alert', role: 'alert', hidden: true },
  alertText,
  iconButton('close', 'Dismiss', { onclick: () => app.set({ error: undefined }) })
)
area.append(welcome.element, alert)
document.body.append(models.element)

views.push(
  () => stage.refresh(),
  () => welcome.update(),
  createToolbar(at('toolbar'), app, stage),
  createPanel(at('panel'), app, { chooseModel: () => models.open() }),
  () => {
    const { status, error, ready, busy, image } = app.state
    const line = at('status')
    if (line.textContent !== status) line.textContent = status
    alert.hidden = error === undefined
    alertText.textContent = error ?? ''
    area.dataset.state = busy ? 'busy' : ready ? 'ready' : 'empty'
    at('canvas').hidden = !image
    at('canvas').dataset.tool = app.state.tool
  }
)
listenKeys(app, stage)
listenForImages({
  image: file => void openImage(app, () => readImage(file)),
  other: file =>
    void (file && /\.(safetensors|pth|pt|bin)$/i.test(file.name)
      ? app.loadModel({ kind: 'file', file })
      : app.fail(new Error('This file is neither an image nor a model (.pth, .safetensors).'))),
  over: dragging => area.classList.toggle('dragging', dragging)
})
for (const update of views) update()

const first = isBundledName(named) ? ({ kind: 'bundled', name: named } as const) : lastModel()
if (!(await app.loadModel(first)) && first.kind !== 'bundled') {
  const { error } = app.state
  await app.loadModel(defaultModel)
  app.set({ error })
}
