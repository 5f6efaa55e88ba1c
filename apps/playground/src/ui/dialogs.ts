import { html, nothing, render, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { iconButton } from './controls.js'
import { helpDialog } from './help-dialog.js'
import { labelDialog } from './label-dialog.js'
import { listStored, modelDialog } from './model-dialog.js'
import { projectDialog } from './project-dialog.js'

type Name = NonNullable<App['state']['dialog']>

const dialogs: Readonly<Record<Name, { title: string; body: (app: App) => TemplateResult }>> = {
  models: { title: 'Choose a model', body: modelDialog },
  project: { title: 'Project', body: projectDialog },
  labels: { title: 'Labels', body: labelDialog },
  help: { title: 'Keyboard', body: helpDialog }
}

/** The dialog that `state.dialog` names. Returns the function that shows it. */
export function createDialogs(root: HTMLDialogElement, app: App): () => void {
  const close = (): void => {
    app.set({ dialog: undefined })
    app.show() // the next key is for the page
  }
  root.addEventListener('close', close)
  root.addEventListener('click', event => {
    if (event.target === root) close()
  })
  return () => {
    const { dialog } = app.state
    const shown = dialog && dialogs[dialog]
    render(
      shown
        ? html`<header>
              <h2 id="dialog-title">${shown.title}</h2>
              ${iconButton('close', 'Close', { onclick: close })}
            </header>
            ${shown.body(app)}`
        : nothing,
      root
    )
    if (dialog && !root.open) {
      root.showModal()
      if (dialog === 'models') void listStored(app)
    } else if (!dialog && root.open) root.close()
  }
}
