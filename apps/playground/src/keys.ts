import { changeObject, duplicateObject, type AnnotatedObject, type Annotator, type Project } from '@sam/annotator'
import type { App } from './app.js'
import { generateAll } from './ui/find.js'

interface PageKey {
  readonly key: string
  /** How the help writes it. */
  readonly shown: string
  readonly what: string
  readonly run: (app: App) => void
}

/** Focuses a field of the panel, whose tab is opened on a phone. */
function focusField(app: App, tab: App['state']['tab'], selector: string): void {
  app.set({ tab, open: true })
  app.show() // what is typed next belongs to the field
  document.querySelector<HTMLElement>(selector)?.focus()
}

/** Changes the project by the selected object, if there is one. */
function withActive(annotator: Annotator, change: (active: AnnotatedObject, project: Project) => Project): void {
  const { active } = annotator
  if (active) annotator.act(project => change(active, project))
}

/** The shortcuts of the page, besides those of the stage. */
export const pageKeys: readonly PageKey[] = [
  { key: 't', shown: 'T', what: 'Find by a phrase', run: app => focusField(app, 'find', '.phrase input') },
  { key: 'g', shown: 'G', what: 'Find everything', run: app => void generateAll(app) },
  { key: '/', shown: '/', what: 'Search the objects', run: app => focusField(app, 'objects', '.search') },
  {
    key: 'd',
    shown: 'D',
    what: 'Duplicate the object',
    run: ({ annotator }) => withActive(annotator, ({ id }, before) => duplicateObject(before, id))
  },
  {
    key: 'u',
    shown: 'U',
    what: 'Hide · show the object',
    run: ({ annotator }) =>
      withActive(annotator, ({ id, visible }, before) => changeObject(before, id, { visible: !visible }))
  },
  {
    key: 'k',
    shown: 'K',
    what: 'Lock · unlock the object',
    run: ({ annotator }) =>
      withActive(annotator, ({ id, locked }, before) => changeObject(before, id, { locked: !locked }))
  },
  { key: '?', shown: '?', what: 'This help', run: app => app.set({ dialog: 'help' }) }
]

/** Page-wide shortcuts: those of the stage and of the page, except in text fields and while a dialog is open. */
export function listenForKeys(app: App): void {
  addEventListener('keydown', event => {
    const target = event.target as HTMLElement
    const isField = target.matches('input:not([type=range], [type=checkbox], [type=radio]), textarea, select')
    if (event.defaultPrevented || isField || document.querySelector('dialog[open]')) return
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey
    const key = plain ? pageKeys.find(entry => entry.key === event.key.toLowerCase()) : undefined
    if (key && (key.key === '?' || app.annotator.picture)) key.run(app)
    else if (!app.stage.handleKey(event)) return
    event.preventDefault()
  })
}
