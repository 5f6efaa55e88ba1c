import type { EncodedImage } from '@sam/core'
import { SamError } from '@sam/core'
import { SharedWork } from '@sam/core/graph'
import { gridSize } from '@sam/core/model'
import { LRUCache } from 'lru-cache'
import type { DiskCache } from './disk-cache.js'
import { HttpError } from './http-error.js'
import type { ServedModel } from './model.js'

/** How an image was found. */
export type Found = 'memory' | 'disk' | 'encoded'

export interface CacheEvents {
  readonly found: (how: Found) => void
  /** A file could not be written or read: the disk is full, for example. Requests go on without it. */
  readonly failed: (error: Error) => void
}

/** An encoded image in memory. It is freed when the cache and all its users have let go of it. */
class Entry {
  #users = 1

  constructor(
    readonly image: EncodedImage,
    /** Whether crops of the photo can be read. */
    readonly hasPhoto: boolean,
    readonly bytes: number
  ) {}

  acquire(): void {
    this.#users++
  }

  release(): void {
    if (!--this.#users) this.image.dispose()
  }
}

interface Use {
  /** Whether the pixels of the photo are needed, for crops. */
  readonly photo?: boolean
  readonly signal?: AbortSignal | undefined
}

interface Work<T> extends Use {
  readonly work: (image: EncodedImage) => T | Promise<T>
}

/** Encoded images: in memory up to a number of bytes, then on disk. An image is encoded once, whoever asks for it. */
export class ImageCache {
  readonly #memory: LRUCache<string, Entry>
  readonly #work = new Map<string, SharedWork<Entry>>()

  constructor(
    maxBytes: number,
    readonly disk: DiskCache | undefined,
    readonly events: CacheEvents
  ) {
    this.#memory = new LRUCache({ maxSize: maxBytes, dispose: entry => entry.release() })
  }

  get bytes(): number {
    return this.#memory.calculatedSize
  }

  get images(): number {
    return this.#memory.size
  }

  /** Uses the image of a file, encoding it where it is not known. */
  async add<T>(
    model: ServedModel,
    bytes: Uint8Array,
    use: {
      readonly signal?: AbortSignal | undefined
      readonly work: (image: EncodedImage, key: string) => T | Promise<T>
    }
  ): Promise<T> {
    const key = model.keyOf(bytes)
    const encode = async (signal: AbortSignal): Promise<Entry> => {
      const stored = await this.#load(model, key, { signal })
      if (stored) return stored
      const image = await model.encoder.encode(bytes, signal)
      this.events.found('encoded')
      await this.#store(key, image, bytes)
      return this.#keep(key, new Entry(image, true, bytesOf(model) + bytes.length))
    }
    return this.#use(key, encode, { ...use, work: image => use.work(image, key) })
  }

  /** Uses an image by its key. Throws 404 where it is in neither cache. */
  use<T>(model: ServedModel, key: string, use: Work<T>): Promise<T> {
    const load = async (signal: AbortSignal): Promise<Entry> =>
      (await this.#load(model, key, { ...use, signal })) ??
      notFound(use.photo ? 'its photo is not in the cache' : 'it is not in the cache')
    return this.#use(key, load, use)
  }

  /** Frees all images that are not in use. */
  clear(): void {
    this.#memory.clear()
  }

  async #use<T>(
    key: string,
    make: (signal: AbortSignal) => Promise<Entry>,
    { photo = false, signal, work }: Work<T>
  ): Promise<T> {
    signal?.throwIfAborted()
    const known = this.#memory.get(key)
    const fits = known && (known.hasPhoto || !photo)
    if (fits) this.events.found('memory')
    const entry = fits ? known : await this.#shared(photo ? `${key} photo` : key, make).wait(signal)
    entry.acquire()
    try {
      return await work(entry.image)
    } finally {
      entry.release()
    }
  }

  #shared(name: string, make: (signal: AbortSignal) => Promise<Entry>): SharedWork<Entry> {
    const running = this.#work.get(name)
    if (running && !running.failed) return running
    const work: SharedWork<Entry> = new SharedWork(signal =>
      make(signal).finally(() => {
        if (this.#work.get(name) === work) this.#work.delete(name)
      })
    )
    this.#work.set(name, work)
    return work
  }

  async #load(model: ServedModel, key: string, { photo, signal }: Use): Promise<Entry | undefined> {
    const bytes = await this.disk?.read(key, 'embedding')
    const file = bytes && photo ? await this.disk?.read(key, 'photo') : undefined
    if (!bytes || (photo && !file)) return undefined
    try {
      const image = await model.sam.load(bytes, { image: file, signal })
      this.events.found('disk')
      const pixels = file ? image.width * image.height * 3 : 0
      return this.#keep(key, new Entry(image, Boolean(file), bytesOf(model) + pixels))
    } catch (error) {
      if (!SamError.is(error) || error.code !== 'E_BAD_EMBEDDING') throw error
      this.events.failed(error)
      await this.disk?.remove(key, 'embedding')
      return undefined
    }
  }

  async #store(key: string, image: EncodedImage, bytes: Uint8Array): Promise<void> {
    if (!this.disk) return
    try {
      await this.disk.write(key, 'embedding', await image.save())
      await this.disk.write(key, 'photo', bytes)
    } catch (error) {
      this.events.failed(error as Error)
    }
  }

  #keep(key: string, entry: Entry): Entry {
    this.#memory.set(key, entry, { size: entry.bytes })
    // Held until all who wait for it have it.
    entry.acquire()
    setImmediate(() => entry.release())
    if (this.#memory.peek(key) !== entry) entry.release() // it is larger than the cache
    return entry
  }
}

/**
 * Memory of an image: the embedding, what the decoder keeps of it for all prompts (2.5 times as much), and the room
 * that allocators add.
 */
const bytesOf = ({ sam: { config } }: ServedModel): number => 5 * 4 * config.width * gridSize(config) ** 2

const notFound = (why: string): never => {
  throw new HttpError(404, 'E_NOT_FOUND', `no such image: ${why}; upload it again`)
}
