import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Picture } from '../document/project.js'
import type { Annotator, Snapshot } from '../store/annotator.js'
import { JsonReader } from './json-reader.js'
import {
  assemble,
  pictureJson,
  projectJson,
  readPicture,
  readProject,
  type PictureJson,
  type ProjectJson
} from './project-json.js'

interface Schema extends DBSchema {
  /** One record, `project`: the project without its pictures, and their order. */
  project: { key: string; value: ProjectJson & { readonly order: readonly string[] } }
  pictures: { key: string; value: PictureJson }
  files: { key: string; value: Blob }
}

/**
 * - `saved`: everything is in the browser's storage
 * - `saving`: a change will be within a moment
 * - `failed`: `error` says why nothing can be stored: no storage, or no space
 * - `elsewhere`: another tab has the project open, and this one does not store
 */
export type SaveState =
  | { readonly status: 'saved' | 'saving' | 'elsewhere' }
  | { readonly status: 'failed'; readonly error: Error }

/** The storing of an annotator's project in the browser. */
export interface Autosave {
  readonly state: SaveState
  /** Stores at once what has changed. */
  flush(): Promise<void>
  /** Stores what has changed, and ends. */
  close(): Promise<void>
}

export interface AutosaveOptions {
  /** Name of the database. Default `sam-annotator`. */
  readonly name?: string | undefined
  /** Called when the state changes. */
  readonly onState?: ((state: SaveState) => void) | undefined
}

/** How long changes are collected, in milliseconds. */
const delay = 400

/**
 * Opens the project that is stored in this browser, if there is one, and from then on stores each change: pictures,
 * objects, prompts, strokes and masks, so that nothing is predicted again after a reload. One tab at a time stores a
 * project. It does not throw: what fails is in the state, and the next change tries again.
 */
export async function autosave(
  annotator: Annotator,
  { name = 'sam-annotator', onState }: AutosaveOptions = {}
): Promise<Autosave> {
  let state: SaveState = { status: 'saved' }
  let db: IDBPDatabase<Schema> | undefined
  /** The pictures as they are stored, and the masks that were there then. */
  let stored: Stored = new Map()
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: Promise<void> = Promise.resolve()
  const set = (next: SaveState): void => {
    if (next.status === state.status && next.status !== 'failed') return
    state = next
    onState?.(next)
  }
  const fail = (cause: unknown): void => set({ status: 'failed', error: storageError(cause) })

  const release = await holdLock(`${name}/open`)
  if (!release) set({ status: 'elsewhere' })
  else {
    try {
      const opened = await openDB<Schema>(name, 1, {
        upgrade(made) {
          made.createObjectStore('project')
          made.createObjectStore('pictures')
          made.createObjectStore('files')
        }
      })
      const snapshot = await load(opened) // what cannot be read is not overwritten
      if (snapshot) {
        annotator.open(snapshot)
        stored = asStored(snapshot)
      }
      db = opened
    } catch (error) {
      fail(error)
    }
  }

  async function save(): Promise<void> {
    if (!db) return
    const snapshot = annotator.snapshot()
    const { project, blobOf, candidatesOf } = snapshot
    const next = asStored(snapshot)
    const changed = [...next].flatMap(([id, { picture, masks }]) => {
      const before = stored.get(id)
      const isSame = before?.picture === picture && masks.every((mask, i) => mask === before.masks[i])
      return isSame ? [] : [{ id, json: pictureJson(picture, candidatesOf), file: before ? undefined : blobOf(id) }]
    })
    if (changed.some(({ file }) => file)) void persist()
    const removed = [...stored.keys()].filter(id => !next.has(id))
    try {
      const transaction = db.transaction(['project', 'pictures', 'files'], 'readwrite')
      const [projects, pictures, files] = (['project', 'pictures', 'files'] as const).map(store =>
        transaction.objectStore(store)
      ) as unknown as [Writable<'project'>, Writable<'pictures'>, Writable<'files'>]
      const order = project.pictures.map(({ id }) => id)
      await Promise.all([
        projects.put({ ...projectJson(project), order }, 'project'),
        ...changed.map(({ id, json }) => pictures.put(json, id)),
        ...changed.flatMap(({ id, file }) => (file ? [files.put(file, id)] : [])),
        ...removed.flatMap(id => [pictures.delete(id), files.delete(id)]),
        transaction.done
      ])
      stored = next
      set({ status: timer === undefined ? 'saved' : 'saving' })
    } catch (error) {
      fail(error)
    }
  }
  const flush = (): Promise<void> => {
    if (timer === undefined) return running
    clearTimeout(timer)
    timer = undefined
    return (running = running.then(save))
  }

  let { project, predictions } = fingerprint(annotator)
  const unsubscribe = annotator.subscribe(() => {
    const now = fingerprint(annotator)
    if (now.project === project && now.predictions === predictions) return
    ;({ project, predictions } = now)
    if (!db) return
    set({ status: 'saving' })
    timer ??= setTimeout(() => void flush(), delay)
  })
  const whenHidden = (): void => {
    if (document.visibilityState === 'hidden') void flush()
  }
  document.addEventListener('visibilitychange', whenHidden)

  return {
    get state() {
      return state
    },
    flush,
    async close() {
      document.removeEventListener('visibilitychange', whenHidden)
      unsubscribe()
      await flush()
      db?.close()
      release?.()
    }
  }
}

/** The pictures of a snapshot, and the masks of their objects: what is stored of a picture changes with both. */
type Stored = ReadonlyMap<string, { readonly picture: Picture; readonly masks: readonly unknown[] }>

const asStored = ({ project, candidatesOf }: Snapshot): Stored =>
  new Map(project.pictures.map(picture => [picture.id, { picture, masks: picture.objects.map(candidatesOf) }]))

type Writable<S extends 'project' | 'pictures' | 'files'> = {
  put(value: Schema[S]['value'], key: string): Promise<unknown>
  delete(key: string): Promise<void>
}

const fingerprint = ({ project, state }: Annotator) => ({ project, predictions: state.predictions })

/** The stored project; undefined if there is none. */
async function load(db: IDBPDatabase<Schema>): Promise<Snapshot | undefined> {
  const project = await db.get('project', 'project')
  if (!project) return undefined
  const files = new Map<string, Blob>()
  const pictures = []
  for (const id of project.order) {
    const [json, file] = await Promise.all([db.get('pictures', id), db.get('files', id)])
    if (!json || !file) continue
    files.set(id, file)
    pictures.push(readPicture(new JsonReader(json, 'stored project')))
  }
  return assemble(readProject(new JsonReader(project, 'stored project')), pictures, id => files.get(id))
}

/** Holds a Web Lock until the returned function is called or the tab is closed; undefined if another tab holds it. */
async function holdLock(name: string): Promise<(() => void) | undefined> {
  const locks = navigator.locks as LockManager | undefined
  if (!locks) return () => {} // pages without https
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, lock => {
        if (!lock) return resolve(undefined)
        return new Promise<void>(release => resolve(release))
      })
      .catch(reject)
  })
}

/** Asks the browser, once, not to remove the storage when space is scarce. It may refuse. */
const persist = async (): Promise<void> => {
  const storage = navigator.storage as StorageManager | undefined // missing without https
  if (!(await storage?.persisted())) await storage?.persist()
}

/** Why nothing can be stored, in the user's words. */
function storageError(cause: unknown): Error {
  const { name, message } = cause as Partial<Error>
  const why =
    name === 'QuotaExceededError'
      ? 'the browser’s storage for this page is full'
      : `the browser’s storage cannot be used (${message})`
  return new Error(
    `Your work is not kept in the browser: ${why}. Save the project as a file before you close the page.`,
    {
      cause
    }
  )
}
