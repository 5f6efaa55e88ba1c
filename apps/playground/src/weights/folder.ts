/** A flat folder of files. */
export interface Folder {
  /** Undefined if there is no such file. */
  read(name: string): Promise<Blob | undefined>
  /** Creates a file, whose content becomes visible on commit, all at once. */
  create(name: string): Promise<Sink>
  remove(name: string): Promise<void>
  names(): Promise<string[]>
}

export interface Sink {
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  commit(): Promise<void>
  discard(): Promise<void>
}

/** A folder in the origin private file system; undefined if unavailable (private windows, old browsers). */
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
    // The browser writes to a temporary copy and replaces the file on close.
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
