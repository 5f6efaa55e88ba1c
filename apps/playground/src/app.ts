import type { Annotator, SamAnnotatorElement } from '@sam/annotator'
import { exactMasks } from './export/export-picture.js'
import type { Exports, ExportSettings } from './export/exports.js'
import type { Models } from './models.js'
import type { ProjectStorage } from './project-storage.js'

/** The parts of the panel, of which a phone shows one at a time. */
export const tabs = ['pictures', 'find', 'objects', 'export', 'more'] as const
export type Tab = (typeof tabs)[number]

/** What the panels show, besides the state of the annotator, the model and the exports. */
export interface PanelState {
  readonly tab: Tab
  /** Whether a phone shows that part; otherwise only the tabs, and the picture has the space. */
  readonly open: boolean
  readonly dialog?: 'models' | 'project' | 'labels' | 'help' | undefined
  /** Only objects whose name or label contains it are listed. */
  readonly search: string
  /** Ids of the objects that are ticked; undefined: they have no ticks. */
  readonly ticked?: ReadonlySet<number> | undefined
  /** A phrase that the model could not search for, since it has no text encoder. */
  readonly refusedPhrase?: string | undefined
  readonly exportSettings: ExportSettings
  /** Whether the options of the edges are open: then the stage shows the objects as they are exported. */
  readonly edges: boolean
}

export const startState: PanelState = {
  tab: 'objects',
  open: true,
  search: '',
  exportSettings: { format: 'cut-out', scope: 'picture', masks: exactMasks },
  edges: false
}

/** The page: the annotator in its stage, the model, the exports, the storage, and the state of the panels. */
export interface App {
  readonly annotator: Annotator
  readonly stage: SamAnnotatorElement
  readonly models: Models
  readonly exports: Exports
  readonly storage: ProjectStorage
  readonly state: PanelState
  set(part: Partial<PanelState>): void
  /** Shows the state now, and not on the next frame. */
  show(): void
}
