import { removePicture, type Annotator } from '@sam/annotator'
import { autosave, readProjectFile, writeProjectFile, type SaveState } from '@sam/annotator/storage'
import { counted } from './format.js'
import { save } from './ui/dom.js'

/** The project in the browser's storage, and as a file. It asks before anything is lost. */
export interface ProjectStorage {
  readonly state: SaveState
  /** Saves the project as a file. */
  saveFile(): Promise<void>
  /** Opens a project file in place of this project. */
  openFile(file: File): Promise<void>
  /** Removes a picture with its objects. */
  removePicture(id: string): void
  /** Removes all pictures, for a new project. */
  startNew(): void
}

export async function openProjectStorage(annotator: Annotator, changed: () => void): Promise<ProjectStorage> {
  /** What was shown to the user since the last time that everything was stored. */
  let told: string | undefined
  const stored = await autosave(annotator, {
    onState: state => {
      if (state.status === 'failed' && state.error.message !== told) {
        told = state.error.message
        annotator.fail(state.error)
      }
      if (state.status === 'saved') told = undefined
      if (state.status === 'elsewhere')
        annotator.fail(new Error('This page is open in another tab. Work in this tab is not kept; save it as a file.'))
      changed()
    }
  })
  /** Whether the project is kept nowhere but in this page. */
  const isUnsaved = (): boolean => annotator.project.pictures.length > 0 && stored.state.status !== 'saved'
  addEventListener('beforeunload', event => {
    if (!isUnsaved()) return
    void stored.flush()
    event.preventDefault()
  })
  /** Pictures without objects are lost as well, such as those of the camera. */
  const agrees = (question: string): boolean => {
    const [pictures, objects] = [annotator.project.pictures.length, objectCount(annotator)]
    const what = [counted(pictures, 'picture'), ...(objects ? [counted(objects, 'object')] : [])].join(' with ')
    return !pictures || confirm(`${question} ${what} will be removed. Save the project first to keep them.`)
  }
  return {
    get state() {
      return stored.state
    },
    async saveFile() {
      try {
        save(await writeProjectFile(annotator.snapshot()), 'project.zip')
      } catch (error) {
        annotator.fail(error)
      }
    },
    async openFile(file) {
      try {
        const snapshot = await readProjectFile(file)
        if (agrees('Open another project?')) annotator.open(snapshot)
      } catch (error) {
        annotator.fail(error)
      }
    },
    removePicture(id) {
      const picture = annotator.project.pictures.find(each => each.id === id)
      if (!picture) return
      const { length } = picture.objects
      if (
        length &&
        !confirm(
          `Remove ${picture.name} with ${counted(length, 'object')}? Undo brings it back until the page is closed.`
        )
      )
        return
      annotator.act(project => removePicture(project, id))
    },
    startNew() {
      if (agrees('Start a new project?'))
        annotator.open({
          project: { ...annotator.project, pictures: [], current: undefined },
          blobOf: () => undefined,
          candidatesOf: () => undefined
        })
    }
  }
}

/** Number of objects in all pictures. */
export const objectCount = ({ project }: Annotator): number =>
  project.pictures.reduce((sum, { objects }) => sum + objects.length, 0)
