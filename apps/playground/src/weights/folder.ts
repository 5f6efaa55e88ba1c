/** A place for files by name. */
export interface Folder {
  /** Undefined where there is no such file. */
  read(name: string): Promise<Blob | undefined>
  /** A file that is there only once it is committed, whole. */
  create(name: string): Promise<Sink>
  remove(name: string): Promise<void>
  names(): Promise<string[]>
}

export interface Sink {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  commit(): Promise<void>
  discard(): Promise<void>
}

/** A folder of the browser's private file system, or undefined where there is none (private windows, old browsers). */
export async function privateFolder(name: string): Promise<Folder | undefined> {
  try {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(name, { create: true })
    if (!('createWritable' in FileSystemFileHandle.prototype)) return undefined
    return opened(folder)
  } catch {
    return undefined
  }
}

const opened = (folder: FileSystemDirectoryHandle): Folder => ({
  async read(name) {
    try {
      return await (await folder.getFileHandle(name)).getFile()
    } catch {
      return undefined
    }
  },
  async create(name) {
    // The browser writes to a copy and puts it in place on close.
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable()
    return {
      write: chunk => file.write(chunk),
      commit: () => file.close(),
      async discard() {
        await file.abort().catch(() => {})
        await folder.removeEntry(name).catch(() => {})
      }
    }
  },
  remove: name => folder.removeEntry(name).catch(() => {}),
  async names() {
    const names: string[] = []
    for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name)
    return names
  }
})
