import type { EncodedImage } from '@sam/core'
import { SamError } from '@sam/core'
import { SharedWork } from '@sam/core/graph'
import { gridSize } from '@sam/core/model'
import { LRUCache } from 'lru-cache'
import type { DiskCache } from './disk-cache.js'
import { HttpError } from './http-error.js'
import type { ServedModel } from './model.js'
import type { Slots } from './slots.js'

/** How an image was found. */
export type Found = 'memory' | 'disk' | 'encoded'

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

interface Work<T> {
  /** Whether the pixels of the photo are needed, for crops. */
  readonly photo?: boolean
  /**
   * Where the work waits for its turn. Images on disk are read then and not before: those whose requests wait take no
   * memory.
   */
  readonly slots?: Slots
  readonly signal?: AbortSignal | undefined
  readonly work: (image: EncodedImage) => T | Promise<T>
}

/** Encoded images: in memory up to a number of bytes, then on disk. An image is encoded once, whoever asks for it. */
export class ImageCache {
  readonly #memory: LRUCache<string, Entry>
  readonly #work = new Map<string, SharedWork<Entry>>()

  constructor(
    maxBytes: number,
    readonly disk: DiskCache | undefined,
    readonly found: (how: Found) => void
  ) {
    this.#memory = new LRUCache({ maxSize: maxBytes, dispose: entry => entry.release() })
  }

  get bytes(): number {
    return this.#memory.calculatedSize
  }

  get images(): number {
    return this.#memory.size
  }

  /**
   * Uses the image of a file, encoding it where it is not known. Crops can be read from it afterwards: where the disk
   * does not have the photo, it is kept in memory, and on disk if there is room again.
   */
  async add<T>(
    model: ServedModel,
    bytes: Uint8Array,
    use: {
      readonly slots?: Slots
      readonly signal?: AbortSignal | undefined
      readonly work: (image: EncodedImage, key: string) => T | Promise<T>
    }
  ): Promise<T> {
    const key = model.keyOf(bytes)
    const photo = !(await this.disk?.has(key, 'photo'))
    const encode = async (signal: AbortSignal): Promise<Entry> => {
      const stored = await this.#load(model, key, { file: photo ? bytes : undefined, signal })
      if (stored) {
        if (photo) await this.disk?.write(key, { photo: bytes })
        return stored
      }
      const image = await model.encoder.encode(bytes, signal)
      this.found('encoded')
      await this.disk?.write(key, { photo: bytes, embedding: await image.save() })
      return this.#keep(key, new Entry(image, true, bytesOf(model) + bytes.length))
    }
    return this.#inTurn(key, encode, { ...use, photo, work: image => use.work(image, key) })
  }

  /** Uses an image by its key. Throws 404 where it is in neither cache. */
  use<T>(model: ServedModel, key: string, use: Work<T>): Promise<T> {
    const load = async (signal: AbortSignal): Promise<Entry> => {
      const file = use.photo ? await this.disk?.read(key, 'photo') : undefined
      if (use.photo && !file) return notFound('its photo is not in the cache')
      return (await this.#load(model, key, { file, signal })) ?? notFound('it is not in the cache')
    }
    return this.#inTurn(key, load, use)
  }

  /** Frees all images that are not in use. */
  clear(): void {
    this.#memory.clear()
  }

  async #inTurn<T>(key: string, make: (signal: AbortSignal) => Promise<Entry>, { slots, ...use }: Work<T>): Promise<T> {
    if (!slots) return this.#use(key, make, use)
    const onDisk = (await this.disk?.has(key, 'embedding')) && (!use.photo || (await this.disk?.has(key, 'photo')))
    if (onDisk) return slots.run(use.signal, () => this.#use(key, make, use))
    // It may be gone from memory when its turn comes: it is held until then.
    return this.#use(key, make, { ...use, work: image => slots.run(use.signal, async () => use.work(image)) })
  }

  async #use<T>(
    key: string,
    make: (signal: AbortSignal) => Promise<Entry>,
    { photo = false, signal, work }: Work<T>
  ): Promise<T> {
    signal?.throwIfAborted()
    const known = this.#memory.get(key)
    const fits = known && (known.hasPhoto || !photo)
    if (fits) this.found('memory')
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

  /** The image of an embedding on disk, with the pixels of its photo where its file is given. */
  async #load(
    model: ServedModel,
    key: string,
    { file, signal }: { readonly file: Uint8Array | undefined; readonly signal: AbortSignal }
  ): Promise<Entry | undefined> {
    const bytes = await this.disk?.read(key, 'embedding')
    if (!bytes) return undefined
    try {
      const image = await model.sam.load(bytes, { image: file, signal })
      this.found('disk')
      const pixels = file ? image.width * image.height * 3 : 0
      return this.#keep(key, new Entry(image, Boolean(file), bytesOf(model) + pixels))
    } catch (error) {
      if (!SamError.is(error) || error.code !== 'E_BAD_EMBEDDING') throw error
      await this.disk?.discard(key, 'embedding', error)
      return undefined
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
