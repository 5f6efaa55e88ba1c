import type { App } from '../app.js'
import { bundledModels, isBundledName, type BundledName } from '../bundled-models.js'
import { megabytes } from '../format.js'
import type { StoredModel } from '../weights/weights-cache.js'
import type { ModelChoice } from '../protocol.js'
import { chooseFile, chooseFolder, h } from './dom.js'
import { icon } from './icons.js'
import { iconButton } from './toolbar.js'

const key = 'sam-model'

/** The model dialog. */
export function createModelDialog({ models, annotator }: App): { readonly element: HTMLDialogElement; open(): void } {
  const load = async (model: ModelChoice): Promise<void> => {
    dialog.close()
    if (await models.load(model)) rememberModel(models.state.model?.again)
  }
  const bundled = h('ul', { class: 'models', 'aria-label': 'Models of this page' })
  const stored = h('ul', { class: 'models', 'aria-label': 'Models on this device' })
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
    bundled,
    stored,
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
      'Loaded models are stored on this device for the next visit and verified by size and SHA-256. Enter a URL again to check it for a newer file. Append #sha256=… to a URL to require that checksum.'
    )
  )
  dialog.addEventListener('click', event => {
    if (event.target === dialog) dialog.close()
  })

  const row = (about: { label: string; note: string; choice: ModelChoice; stored?: StoredModel }): HTMLElement =>
    h(
      'li',
      {},
      h(
        'button',
        { type: 'button', class: 'choice', onclick: () => load(about.choice) },
        icon(about.choice.kind === 'bundled' ? 'model' : 'check'),
        h('span', {}, h('strong', {}, about.label), h('small', {}, about.note))
      ),
      about.stored &&
        iconButton('trash', `Remove ${about.label} from this device`, { onclick: () => void remove(about.stored!) })
    )
  const remove = async (model: StoredModel): Promise<void> => {
    await models.remove(model.key)
    const last = lastModel()
    if (last.kind === 'stored' && last.key === model.key) localStorage.removeItem(key)
    await fill()
  }
  const fill = async (): Promise<void> => {
    const found = await models.stored()
    const ofThisPage = (Object.keys(bundledModels) as BundledName[]).map(name => {
      const { label, description, file } = bundledModels[name]
      const own = file && found.find(m => m.sha256 === file.sha256)
      const size = file && `${megabytes(file.size)} MB, ${own ? 'stored on this device' : 'downloaded when chosen'}`
      return {
        label,
        note: [description, size].filter(Boolean).join('; '),
        choice: { kind: 'bundled', name } as const,
        ...(own && { stored: own })
      }
    })
    const others = found.filter(model => !ofThisPage.some(({ stored }) => stored === model))
    bundled.replaceChildren(...ofThisPage.map(row))
    stored.replaceChildren(
      ...others.map(model =>
        row({
          label: model.label,
          note: `${megabytes(model.size)} MB, stored on this device`,
          choice: { kind: 'stored', key: model.key },
          stored: model
        })
      )
    )
  }

  return {
    element: dialog,
    open() {
      dialog.showModal()
      fill().catch((error: unknown) => annotator.fail(error))
    }
  }
}

function rememberModel(model: ModelChoice | undefined): void {
  if (model && model.kind !== 'file' && model.kind !== 'folder') localStorage.setItem(key, JSON.stringify(model))
}

export const defaultModel: ModelChoice = { kind: 'bundled', name: 'mobile_sam' }

/** The model of the last visit. */
export function lastModel(): ModelChoice {
  try {
    const model = JSON.parse(localStorage.getItem(key) ?? '') as ModelChoice
    if (model.kind === 'stored' && typeof model.key === 'string') return model
    if (model.kind === 'bundled' && isBundledName(model.name)) return model
  } catch {
    /* nothing stored, or not valid JSON */
  }
  return defaultModel
}
