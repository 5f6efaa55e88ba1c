import { html, nothing, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { bundledModels, type BundledName } from '../bundled-models.js'
import { megabytes } from '../format.js'
import type { ModelChoice } from '../protocol.js'
import { publishedModels } from '../published-models.js'
import type { StoredModel } from '../weights/weights-cache.js'
import { choiceButton, iconButton } from './controls.js'
import { chooseFiles, textOf } from './dom.js'
import { icon } from './icons.js'

/** The models stored on this device, as last listed. */
let stored: readonly StoredModel[] = []

/** Lists the stored models again. */
export async function listStored(app: App): Promise<void> {
  try {
    stored = await app.models.stored()
    app.set({})
  } catch (error) {
    app.annotator.fail(error)
  }
}

/** Choosing a model: of this page, of this device, published elsewhere, from a file, folder or URL. */
export function modelDialog(app: App): TemplateResult {
  const { models } = app
  const load = (choice: ModelChoice): void => {
    app.set({ dialog: undefined })
    // The dialog may be open again by then.
    void models.load(choice).then(() => listStored(app))
  }
  const remove = async (key: string): Promise<void> => {
    await models.remove(key)
    await listStored(app)
  }
  const current = models.state.model?.again
  const isCurrent = (choice: ModelChoice): boolean =>
    (choice.kind === 'bundled' && current?.kind === 'bundled' && current.name === choice.name) ||
    (choice.kind === 'stored' && current?.kind === 'stored' && current.key === choice.key)
  const storedOf = (name: BundledName): StoredModel | undefined =>
    stored.find(({ sha256 }) => sha256 === bundledModels[name].file?.sha256)

  const bundledRow = (name: BundledName): TemplateResult => {
    const { label, description, size, textSize, licence } = bundledModels[name]
    const found = storedOf(name)
    const facts = [
      `${megabytes(size)} MB${textSize ? `, and ${megabytes(textSize)} MB with the first phrase` : ''}`,
      licence,
      found && 'stored on this device'
    ]
    return item({
      label,
      notes: [description, facts.filter(Boolean).join(' · ')],
      choice: { kind: 'bundled', name },
      found
    })
  }
  const item = (about: {
    label: string
    notes: readonly string[]
    choice: ModelChoice
    found?: StoredModel | undefined
  }): TemplateResult =>
    html`<li>
      <button
        type="button"
        class="choice"
        aria-current=${isCurrent(about.choice) ? 'true' : nothing}
        @click=${() => load(about.choice)}
      >
        ${icon(isCurrent(about.choice) ? 'check' : 'model')}
        <span>
          <strong>${about.label}${isCurrent(about.choice) ? html` <em>current</em>` : nothing}</strong>
          ${about.notes.map(note => html`<small>${note}</small>`)}
        </span>
      </button>
      ${
        about.found
          ? iconButton('trash', `Remove ${about.label} from this device`, {
              onclick: () => void remove(about.found!.key)
            })
          : nothing
      }
    </li>`
  const bundled = Object.keys(bundledModels) as BundledName[]
  const others = stored.filter(model => !bundled.some(name => storedOf(name) === model))
  return html`<ul class="models" aria-label="Models of this page">
      ${bundled.map(bundledRow)}
    </ul>
    ${
      others.length
        ? html`<h3>On this device</h3>
          <ul class="models" aria-label="Models on this device">
            ${others.map(model =>
              item({
                label: model.label,
                notes: [`${megabytes(model.size)} MB · stored on this device`],
                choice: { kind: 'stored', key: model.key },
                found: model
              })
            )}
          </ul>`
        : nothing
    }
    <h3>From elsewhere</h3>
    ${choiceButton('folder', ['Open a file', 'Meta’s .pth, or .safetensors; stays on this device'], async () => {
      const [file] = await chooseFiles({ accept: '.safetensors,.pth,.pt,.bin' })
      if (file) load({ kind: 'file', file })
    })}
    ${choiceButton('folder', ['Open a folder', 'From Hugging Face: config.json and model.safetensors'], async () => {
      const files = await chooseFiles({ webkitdirectory: true })
      const [name] = files[0]?.webkitRelativePath.split('/') ?? []
      if (name) load({ kind: 'folder', name, files: files.filter(f => f.webkitRelativePath === `${name}/${f.name}`) })
    })}
    <form class="address" @submit=${(event: Event) => load(addressIn(event))}>
      <input
        class="field"
        name="url"
        type="text"
        inputmode="url"
        placeholder="https://…/sam_vit_b_01ec64.pth"
        aria-label="Model URL"
        required
        spellcheck="false"
      />
      <button type="submit" class="button">Load</button>
    </form>
    <details class="options">
      <summary>Models to download</summary>
      <ul class="published">
        ${publishedModels.map(
          ({ label, description, licence, size, url }) =>
            html`<li>
              <a href=${url} rel="noreferrer">${label}</a>
              <small>${description} ${Math.round(size / 1e6).toLocaleString('en')} MB · ${licence}</small>
            </li>`
        )}
      </ul>
      <p class="hint">Meta’s checkpoints. Download one, then open the file.</p>
    </details>
    <p class="hint">
      Loaded models are stored on this device and verified by size and SHA-256. Append #sha256=… to a URL to require that
      checksum; enter a URL again to check for a newer file.
    </p>`
}

/** Relative to the page: the worker has another base URL. */
function addressIn(event: Event): ModelChoice {
  event.preventDefault()
  const typed = textOf(new FormData(event.target as HTMLFormElement), 'url')
  return {
    kind: 'url',
    url: URL.canParse(typed, document.baseURI) ? new URL(typed, document.baseURI).href : typed
  }
}
