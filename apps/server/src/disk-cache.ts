import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf, refuse } from '@sam/core/graph'
import { stageFile, type StagedFile } from '@sam/core/model'

/** What is kept of an image: its embedding, and its file for crops and text search. */
export type Kind = 'embedding' | 'photo'

const entryName = /^([0-9a-f]{64})\.(?:embedding|photo)$/

export interface DiskEvents {
  /** A file could not be written or read. Not `first`: nothing has been written since the last time. */
  readonly failed: (error: Error, first: boolean) => void
  /** The first write since then that succeeded. */
  readonly recovered: () => void
}

/**
 * Files in a folder, named by their key, which several servers may share. A file is whole or not there, also after the
 * process was killed. The least recently used are deleted where all together exceed the limit. Where the disk is full
 * or gone, nothing is thrown: `events` says so, and each further write tries again.
 */
export class DiskCache {
  /** Bytes written since the folder was last measured. */
  #written = 0
  #measured: Promise<void> | undefined
  #failing = false

  private constructor(
    readonly folder: string,
    readonly maxBytes: number,
    readonly events: DiskEvents
  ) {}

  /** Throws `E_BAD_OPTION` where the folder cannot be made. */
  static async open(folder: string, maxBytes: number, events: DiskEvents): Promise<DiskCache> {
    await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) =>
      refuse('E_BAD_OPTION', `cache folder: must be a folder that can be written to: ${reasonOf(cause)}`, { cause })
    )
    const cache = new DiskCache(folder, maxBytes, events)
    await cache.#measure()
    return cache
  }

  /** The file of a key, undefined where there is none. */
  async read(key: string, kind: Kind): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readFile(this.#path(key, kind))
      await this.#use(key, kind)
      return bytes
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed(error as Error)
      return undefined
    }
  }

  /** Whether the file of a key is there. */
  async has(key: string, kind: Kind): Promise<boolean> {
    const found = await stat(this.#path(key, kind)).catch(() => undefined)
    if (found) await this.#use(key, kind)
    return found?.isFile() ?? false
  }

  /** Writes files of a key, in this order: all of them or none. */
  async write(key: string, files: Partial<Record<Kind, Uint8Array>>): Promise<void> {
    const list = Object.entries(files) as [Kind, Uint8Array][]
    if (list.reduce((sum, [, { length }]) => sum + length, 0) > this.maxBytes) return
    const staged: StagedFile[] = []
    try {
      for (const [kind, bytes] of list) staged.push(await stageFile(this.#path(key, kind), [bytes]))
      for (const file of staged) file.commit()
    } catch (error) {
      this.#failed(error as Error)
      await Promise.all(staged.map(file => file.discard()))
      return
    }
    if (this.#failing) this.events.recovered()
    this.#failing = false
    this.#written += staged.reduce((sum, { size }) => sum + size, 0)
    if (this.#written > this.maxBytes / 16) await this.#measure()
  }

  /** Removes a file that cannot be used: it is damaged, for example. */
  async discard(key: string, kind: Kind, error: Error): Promise<void> {
    this.events.failed(error, true)
    await rm(this.#path(key, kind), { force: true }).catch(() => {})
  }

  #failed(error: Error): void {
    this.events.failed(error, !this.#failing)
    this.#failing = true
  }

  async #use(key: string, kind: Kind): Promise<void> {
    const now = new Date()
    await utimes(this.#path(key, kind), now, now).catch(() => {})
  }

  #path(key: string, kind: Kind): string {
    return join(this.folder, `${key}.${kind}`)
  }

  /**
   * Deletes the least recently used images, each with its photo, until a sixteenth is free. Other servers may delete at
   * the same time.
   */
  #measure(): Promise<void> {
    const measure = async (): Promise<void> => {
      this.#written = 0
      const images = new Map<
        string,
        { readonly paths: readonly string[]; readonly size: number; readonly used: number }
      >()
      let total = 0
      for (const name of await readdir(this.folder).catch(() => [])) {
        const [, key] = entryName.exec(name) ?? []
        const path = join(this.folder, name)
        const found = key === undefined ? undefined : await stat(path).catch(() => undefined)
        if (!found?.isFile()) continue
        const { paths, size, used } = images.get(key) ?? { paths: [], size: 0, used: 0 }
        images.set(key, {
          paths: [...paths, path],
          size: size + found.size,
          used: Math.max(used, found.mtimeMs)
        })
        total += found.size
      }
      for (const { paths, size } of [...images.values()].sort((a, b) => a.used - b.used)) {
        if (total <= this.maxBytes * (15 / 16)) break
        for (const path of paths) await rm(path, { force: true }).catch(() => {})
        total -= size
      }
    }
    return (this.#measured ??= measure().finally(() => {
      this.#measured = undefined
    }))
  }
}
