import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Storage } from './storage/storage.js'
import type { Task } from './task.js'

const logFolder = 'working'

/**
 * Notes which images this process works on, in a file that it removes when it ends: the files of processes that were
 * killed stay, and tell which images may have killed them.
 */
export class CrashLog {
  readonly #storage: Storage
  readonly #name = `${logFolder}/${hostname().replace(/[^\w-]/g, '_')}-${process.pid}-${randomUUID()}.json`
  readonly #keys = new Set<string>()
  #writing: Promise<void> = Promise.resolve()

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Runs `work` on a task. It begins when that is noted. */
  async during<T>({ key }: Task, work: () => Promise<T>): Promise<T> {
    this.#keys.add(key)
    await (this.#writing = this.#writing.then(() => this.#write()))
    try {
      return await work()
    } finally {
      this.#keys.delete(key)
    }
  }

  /** After work that ended, also by an error. */
  async close(): Promise<void> {
    await this.#writing.catch(() => {})
    await this.#storage.remove(this.#name)
  }

  #write(): Promise<void> {
    return this.#storage.replace(this.#name, [new TextEncoder().encode(JSON.stringify([...this.#keys]))])
  }
}

/** How many processes work on each image, or ended while they did. */
export async function crashesIn(storage: Storage, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for await (const name of storage.list(logFolder, signal)) {
    const bytes = await storage.read(name, signal)
    for (const key of bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as string[]) : [])
      counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}
