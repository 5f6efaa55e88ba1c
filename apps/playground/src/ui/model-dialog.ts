import type { App } from '../app.js'
import type { Call } from '../client.js'
import type { KeptModel } from '../weights/weights-cache.js'
import type { ModelChoice } from '../protocol.js'
import { chooseFile, chooseFolder, h } from './dom.js'
import { icon } from './icons.js'
import { iconButton } from './toolbar.js'

const key = 'sam-model'

/** The model dialog. */
export function createModelDialog(app: App, call: Call): { readonly element: HTMLDialogElement; open(): void } {
  const load = async (model: ModelChoice): Promise<void> => {
    dialog.close()
    if (await app.loadModel(model)) rememberModel(app.state.model?.again)
  }
  const kept = h('ul', { class: 'kept' })
  const address = h('input', {
    type: 'text',
    inputMode: 'url',
    placeholder: 'https://…/sam_vit_b_01ec64.pth',
    'aria-label': 'Model URL',
    required: true,
    spellcheck: false
  })
  const form = h(
    'form',
    {
      class: 'address',
      onsubmit: (event: Event) => {
        event.preventDefault()
        // Relative to the page: the worker has another base URL.
        const typed = address.value.trim()
        void load({
          kind: 'url',
          url: URL.canParse(typed, document.baseURI) ? new URL(typed, document.baseURI).href : typed
        })
      }
    },
    address,
    h('button', { type: 'submit', class: 'button' }, 'Load')
  )
  const dialog = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'model-title' },
    h(
      'header',
      {},
      h('h2', { id: 'model-title' }, 'Choose a model'),
      iconButton('close', 'Close', { onclick: () => dialog.close() })
    ),
    h(
      'button',
      { type: 'button', class: 'choice', onclick: () => load({ kind: 'embedded' }) },
      icon('model'),
      h('span', {}, h('strong', {}, 'Embedded model'), h('small', {}, 'Part of this page; works offline'))
    ),
    kept,
    h(
      'button',
      {
        type: 'button',
        class: 'choice',
        onclick: async () => {
          const file = await chooseFile('.safetensors,.pth,.pt,.bin')
          if (file) await load({ kind: 'file', file })
        }
      },
      icon('folder'),
      h(
        'span',
        {},
        h('strong', {}, 'Open a file'),
        h('small', {}, 'Meta’s .pth, or .safetensors; stays on this device')
      )
    ),
    h(
      'button',
      {
        type: 'button',
        class: 'choice',
        onclick: async () => {
          const files = await chooseFolder()
          const [name] = files[0]?.webkitRelativePath.split('/') ?? []
          if (name)
            await load({ kind: 'folder', name, files: files.filter(f => f.webkitRelativePath === `${name}/${f.name}`) })
        }
      },
      icon('folder'),
      h(
        'span',
        {},
        h('strong', {}, 'Open a folder'),
        h('small', {}, 'From Hugging Face: config.json and model.safetensors')
      )
    ),
    h('h3', {}, 'From a URL'),
    form,
    h(
      'p',
      { class: 'hint' },
      'Loaded models are saved on this device for the next visit and verified by size and SHA-256. Enter a URL again to check it for a newer file. Append #sha256=… to a URL to require that checksum.'
    )
  )
  dialog.addEventListener('click', event => {
    if (event.target === dialog) dialog.close()
  })

  const row = (model: KeptModel): HTMLElement =>
    h(
      'li',
      {},
      h(
        'button',
        { type: 'button', class: 'choice', onclick: () => load({ kind: 'kept', key: model.key }) },
        icon('check'),
        h(
          'span',
          {},
          h('strong', {}, model.label),
          h('small', {}, `${(model.size / 2 ** 20).toFixed(1)} MB, saved on this device`)
        )
      ),
      iconButton('trash', `Remove ${model.label} from this device`, { onclick: () => void forget(model) })
    )
  const forget = async (model: KeptModel): Promise<void> => {
    await call('forget', { key: model.key })
    const last = lastModel()
    if (last.kind === 'kept' && last.key === model.key) localStorage.removeItem(key)
    await fill()
  }
  const fill = async (): Promise<void> => {
    kept.replaceChildren(...(await call('kept', {})).map(row))
  }

  return {
    element: dialog,
    open() {
      dialog.showModal()
      fill().catch((error: unknown) => app.fail(error))
    }
  }
}

function rememberModel(model: ModelChoice | undefined): void {
  if (model && model.kind !== 'file' && model.kind !== 'folder') localStorage.setItem(key, JSON.stringify(model))
}

/** The model of the last visit; default: the embedded one. */
export function lastModel(): ModelChoice {
  try {
    const model = JSON.parse(localStorage.getItem(key) ?? '') as ModelChoice
    if (model.kind === 'kept' && typeof model.key === 'string') return model
  } catch {
    /* nothing stored, or not valid JSON */
  }
  return { kind: 'embedded' }
}
