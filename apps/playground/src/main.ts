import './styles/tokens.css'
import './styles/app.css'
import { createApp } from './app.js'
import { client } from './client.js'
import { readPicture, takePictures } from './image-input.js'
import { listenKeys } from './keyboard.js'
import { createPanel } from './panel.js'
import { createStage } from './stage.js'
import { h } from './ui/dom.js'
import { createModelDialog, lastModel } from './ui/model-dialog.js'
import { createToolbar, iconButton } from './ui/toolbar.js'
import { createWelcome, openPicture } from './ui/welcome.js'

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
/** `?backend=wasm` or `?backend=webgpu`; default: WebGPU if available, else wasm. */
const requested = new URLSearchParams(location.search).get('backend')
const prefer = requested === 'wasm' || requested === 'webgpu' ? requested : undefined

const area = at('stage')
const call = client(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }))
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
    const { status, error, ready, busy, picture } = app.state
    const line = at('status')
    if (line.textContent !== status) line.textContent = status
    alert.hidden = error === undefined
    alertText.textContent = error ?? ''
    area.dataset.state = busy ? 'busy' : ready ? 'ready' : 'empty'
    at('canvas').hidden = !picture
    at('canvas').dataset.tool = app.state.tool
  }
)
listenKeys(app, stage)
takePictures({
  picture: file => void openPicture(app, () => readPicture(file)),
  other: file =>
    void (file && /\.(safetensors|pth|pt|bin)$/i.test(file.name)
      ? app.loadModel({ kind: 'file', file })
      : app.fail(new Error('This file is neither an image nor a model (.pth, .safetensors).'))),
  over: dragging => area.classList.toggle('dragging', dragging)
})
for (const update of views) update()

const last = lastModel()
if (!(await app.loadModel(last)) && last.kind !== 'embedded') {
  const { error } = app.state
  await app.loadModel({ kind: 'embedded' })
  app.set({ error })
}
