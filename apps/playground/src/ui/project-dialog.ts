import { html, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { counted } from '../format.js'
import { chooseFiles } from './dom.js'
import { icon, type IconName } from './icons.js'

const states: Readonly<Record<App['storage']['state']['status'], string>> = {
  saved: 'Everything is kept in this browser, for the next visit.',
  saving: 'Keeping the latest changes in this browser …',
  failed: 'The work is not kept in this browser. Save it as a file.',
  elsewhere: 'Another tab has the project open: the work in this tab is not kept. Save it as a file.'
}

/** The project: kept in the browser, saved as a file, opened from one. */
export function projectDialog(app: App): TemplateResult {
  const { storage, annotator } = app
  const { pictures } = annotator.project
  const objects = pictures.reduce((sum, picture) => sum + picture.objects.length, 0)
  const choice = (
    name: IconName,
    [label, note]: readonly [string, string],
    run: () => Promise<void> | void
  ): TemplateResult =>
    html`<button
      type="button"
      class="choice"
      @click=${async () => {
        app.set({ dialog: undefined })
        await run()
      }}
    >
      ${icon(name)}<span><strong>${label}</strong><small>${note}</small></span>
    </button>`
  return html`<p class="hint" role="status">
      ${counted(pictures.length, 'picture')}, ${counted(objects, 'object')}. ${states[storage.state.status]}
    </p>
    ${choice('save', ['Save as a file', 'Pictures, objects and masks in one zip'], () => storage.saveFile())}
    ${choice('folder', ['Open a project file', 'In place of this project'], async () => {
      const [file] = await chooseFiles({ accept: '.zip' })
      if (file) await storage.openFile(file)
    })}
    ${choice('plus', ['New project', 'Keeps the labels'], () => storage.startNew())}`
}
