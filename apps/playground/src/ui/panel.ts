import { html, nothing, type TemplateResult } from 'lit-html'
import { tabs, type App, type Tab } from '../app.js'
import { busy } from './busy.js'
import { iconButton } from './controls.js'
import { exportPanel } from './export-panel.js'
import { findPanel } from './find.js'
import { icon, type IconName } from './icons.js'
import { maskChoice } from './mask-choice.js'
import { objectList } from './object-list.js'
import { pictures } from './pictures.js'
import { themeButton } from './theme.js'

const tabNames: Readonly<Record<Tab, readonly [label: string, icon: IconName]>> = {
  find: ['Find', 'search'],
  objects: ['Objects', 'tag'],
  masks: ['Masks', 'image'],
  export: ['Export', 'save']
}

/** The side panel; on a phone the lower part of the page, with a tab for each part. */
export function panel(app: App): TemplateResult {
  const { annotator, models, state } = app
  const { model, busy: loading } = models.state
  const backend = model && (model.backend.name === 'webgpu' ? 'WebGPU' : 'WebAssembly')
  return html`<header class="brand">
      <span class="logo" aria-hidden="true"></span>
      <h1>Segment Anything</h1>
      ${iconButton('folder', 'Project', { onclick: () => app.set({ dialog: 'project' }) })}
      ${iconButton('keys', 'Keyboard', { key: '?', onclick: () => app.set({ dialog: 'help' }) })}
      ${themeButton(() => app.set({}))}
    </header>
    <section class="model-card" aria-label="Model">
      <button
        type="button"
        class="choice model"
        title=${model ? `${model.backend.name}: ${model.backend.because}` : 'Choose a model'}
        @click=${() => app.set({ dialog: 'models' })}
      >
        ${icon('model')}
        <span>
          <strong>${model?.name ?? (loading ? 'Model' : 'Choose a model')}</strong>
          <small>${model ? `${backend} · ${model.note}` : 'no model loaded'}</small>
        </span>
        ${icon('chevron')}
      </button>
      ${busy(app)}
    </section>
    ${
      annotator.picture
        ? html`<nav class="tabs" aria-label="Parts of the panel">
            ${tabs.map(
              tab =>
                html`<button
                  type="button"
                  aria-current=${tab === state.tab ? 'true' : nothing}
                  @click=${() => app.set({ tab })}
                >
                  ${icon(tabNames[tab][1])}<span>${tabNames[tab][0]}</span>
                </button>`
            )}
          </nav>
          <div class="work">${pictures(app)}${findPanel(app)}${objectList(app)}${maskChoice(app)}${exportPanel(app)}</div>`
        : nothing
    }`
}
