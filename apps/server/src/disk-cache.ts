import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf, refuse } from '@sam/core/graph'
import { writeFileAtomic } from '@sam/core/model'

/** What is kept of an image: its embedding, and its file for crops and text search. */
export type Kind = 'embedding' | 'photo'

const entryName = /^[0-9a-f]{64}\.(?:embedding|photo)$/

/**
 * Files in a folder, named by their key, which several servers may share. A file is whole or not there, also after the
 * process was killed. The least recently used are deleted where all together exceed the limit.
 */
export class DiskCache {
  /** Bytes written since the folder was last measured. */
  #written = 0
  #measured: Promise<void> | undefined

  private constructor(
    readonly folder: string,
    readonly maxBytes: number
  ) {}

  /** Throws `E_BAD_OPTION` where the folder cannot be made. */
  static async open(folder: string, maxBytes: number): Promise<DiskCache> {
    await mkdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) =>
      refuse('E_BAD_OPTION', `cache folder: must be a folder that can be written to: ${reasonOf(cause)}`, { cause })
    )
    const cache = new DiskCache(folder, maxBytes)
    await cache.#measure()
    return cache
  }

  /** The file of a key, undefined where there is none. */
  async read(key: string, kind: Kind): Promise<Uint8Array | undefined> {
    const path = this.#path(key, kind)
    const bytes = await readFile(path).catch(() => undefined)
    if (!bytes) return undefined
    const now = new Date()
    await utimes(path, now, now).catch(() => {})
    return bytes
  }

  /** Throws `WeightsError` `E_WEIGHTS_IO`: the disk is full, for example. */
  async write(key: string, kind: Kind, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.maxBytes) return
    this.#written += await writeFileAtomic(this.#path(key, kind), [bytes])
    if (this.#written > this.maxBytes / 16) await this.#measure()
  }

  async remove(key: string, kind: Kind): Promise<void> {
    await rm(this.#path(key, kind), { force: true }).catch(() => {})
  }

  #path(key: string, kind: Kind): string {
    return join(this.folder, `${key}.${kind}`)
  }

  /** Deletes the least recently used files until a sixteenth is free. Other servers may delete at the same time. */
  #measure(): Promise<void> {
    const measure = async (): Promise<void> => {
      this.#written = 0
      const files: { readonly path: string; readonly size: number; readonly used: number }[] = []
      for (const name of await readdir(this.folder).catch(() => [])) {
        if (!entryName.test(name)) continue
        const path = join(this.folder, name)
        const found = await stat(path).catch(() => undefined)
        if (found?.isFile()) files.push({ path, size: found.size, used: found.mtimeMs })
      }
      let total = files.reduce((sum, { size }) => sum + size, 0)
      for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
        if (total <= this.maxBytes * (15 / 16)) break
        await rm(path, { force: true }).catch(() => {})
        total -= size
      }
    }
    return (this.#measured ??= measure().finally(() => {
      this.#measured = undefined
    }))
  }
}
