import { html, nothing, type TemplateResult } from 'lit-html'
import { tabs, type App, type Tab } from '../app.js'
import { backendName } from '../format.js'
import { busy } from './busy.js'
import { iconButton, menuButton } from './controls.js'
import { exportPanel } from './export-panel.js'
import { findPanel } from './find.js'
import { icon, type IconName } from './icons.js'
import { objectList } from './object-list.js'
import { pictures } from './pictures.js'
import { themeButton } from './theme.js'

const tabNames: Readonly<Record<Tab, readonly [label: string, icon: IconName]>> = {
  pictures: ['Pictures', 'image'],
  find: ['Find', 'search'],
  objects: ['Objects', 'tag'],
  export: ['Export', 'save'],
  more: ['More', 'more']
}

const saved: Readonly<Record<App['storage']['state']['status'], string>> = {
  saved: 'saved',
  saving: 'saving …',
  failed: 'not saved',
  elsewhere: 'not saved'
}

/** The side panel; on a phone the lower part of the page, with a tab for each part. */
export function panel(app: App): TemplateResult {
  const { annotator, models, storage } = app
  const { model, busy: loading } = models.state
  return html`<header class="brand">
      <span class="logo" aria-hidden="true"></span>
      <h1>Segment Anything</h1>
      ${iconButton('keys', 'Keyboard', { key: '?', class: 'for-mouse', onclick: () => app.set({ dialog: 'help' }) })}
      ${themeButton(() => app.set({}))}
    </header>
    <div class="menus" data-tab="more">
      ${menuButton(
        [
          model?.name ?? (loading ? 'Model' : 'Choose a model'),
          model ? `${backendName(model)} · ${model.note}` : 'no model loaded'
        ],
        {
          class: 'model',
          title: model ? `${model.backend.name}: ${model.backend.because}` : 'Choose a model',
          onclick: () => app.set({ dialog: 'models' })
        }
      )}
      ${menuButton(['Project', annotator.project.pictures.length ? saved[storage.state.status] : 'empty'], {
        class: 'project',
        title: 'Save the project as a file, open one, or start a new one',
        onclick: () => app.set({ dialog: 'project' })
      })}
    </div>
    ${busy(app)}
    ${
      annotator.picture
        ? html`${tabBar(app)}
            <div class="work scrolls">${pictures(app)}${findPanel(app)}${objectList(app)}</div>
            ${exportPanel(app)}`
        : nothing
    }`
}

/** The tabs of a phone. The last button gives the space of the parts to the picture, and back. */
const tabBar = (app: App): TemplateResult => {
  const { state } = app
  return html`<nav class="tabs" aria-label="Parts of the panel">
    ${tabs.map(
      tab =>
        html`<button
          type="button"
          aria-current=${state.open && tab === state.tab ? 'true' : nothing}
          @click=${() => app.set({ tab, open: true })}
        >
          ${icon(tabNames[tab][1])}<span>${tabNames[tab][0]}</span>
        </button>`
    )}
    <button
      type="button"
      class=${`fold${state.open ? ' open' : ''}`}
      aria-label=${state.open ? 'Close the panel' : 'Open the panel'}
      aria-expanded=${state.open}
      @click=${() => app.set({ open: !state.open })}
    >
      ${icon('chevron')}
    </button>
  </nav>`
}
