import { html, type TemplateResult } from 'lit-html'
import type { App } from '../app.js'
import { counted } from '../format.js'
import { objectCount } from '../project-storage.js'
import { choiceButton } from './controls.js'
import { chooseFiles } from './dom.js'
import type { IconName } from './icons.js'

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
  const choice = (name: IconName, texts: readonly [string, string], run: () => Promise<void> | void): TemplateResult =>
    choiceButton(name, texts, async () => {
      app.set({ dialog: undefined })
      await run()
    })
  return html`<p class="hint" role="status">
      ${counted(pictures.length, 'picture')}, ${counted(objectCount(annotator), 'object')}. ${states[storage.state.status]}
    </p>
    ${choice('save', ['Save as a file', 'Pictures, objects and masks in one zip'], () => storage.saveFile())}
    ${choice('folder', ['Open a project file', 'In place of this project'], async () => {
      const [file] = await chooseFiles({ accept: '.zip' })
      if (file) await storage.openFile(file)
    })}
    ${choice('plus', ['New project', 'Keeps the labels'], () => storage.startNew())}`
}
