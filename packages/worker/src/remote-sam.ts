import {
  type AutomaticMaskOptions,
  type EncodeAllOptions,
  type EncodedImage,
  type ImageInput,
  type PixelSource,
  type Progress,
  type Sam,
  type TextModel
} from '@sam/core'
import { disposedOf, isOfImage, readOptions, refuse, whenCollected } from '@sam/core/graph'
import { connect, disposedError, type Connection, type WorkerLike } from './connect.js'
import { moving } from './portable.js'
import type { ImageFacts, ImageMethod, SamCalls, SamFacts } from './protocol.js'
import { receiveUpdates } from './stream.js'

/** The type of a method, where images are in the worker. */
type Method<F> = F extends (...args: infer A) => Promise<EncodedImage> ? (...args: A) => Promise<RemoteImage> : F

/** An `EncodedImage` in a worker, with the same methods. */
export type RemoteImage = { readonly [K in keyof EncodedImage]: Method<EncodedImage[K]> }

/** A source of `encodeAll`, and its encoded image, or why it has none. */
export type RemoteSource<T> =
  | { readonly source: T; readonly image: RemoteImage; readonly error?: undefined }
  | { readonly source: T; readonly image?: undefined; readonly error: Error }

/** A `Sam` in a worker, with the same methods. */
export type RemoteSam = { readonly [K in Exclude<keyof Sam, 'encode' | 'encodeAll'>]: Method<Sam[K]> } & {
  /** As `Sam.encodeAll`, one image after the other: `batchSize` has no effect. */
  encodeAll<T = ImageInput>(
    sources: Iterable<T> | AsyncIterable<T>,
    options?: EncodeAllOptions<T>
  ): AsyncGenerator<RemoteSource<T>, void, undefined>
  /**
   * As `Sam.encode`. Pixels are copied to the worker; with `transfer: true` they are moved, which takes no time for
   * large photos, and the bitmap or array can no longer be used here.
   */
  encode(
    input: ImageInput,
    options?: { readonly signal?: AbortSignal | undefined; readonly transfer?: boolean | undefined }
  ): Promise<RemoteImage>
}

export interface ConnectOptions {
  /** Passed to the `load` of `serveSam`, if this page is the first: any data that can be sent, a `File` as well. */
  readonly data?: unknown
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** How many connections this thread has to each worker. */
const connections = new WeakMap<object, number>()

/**
 * Connects to the model that `serveSam` serves in a worker, and waits until it is loaded. The result has the methods of
 * `Sam`. Arguments and results are copied, masks arrive as `Mask`, callbacks and abort signals are forwarded. An abort
 * rejects immediately with the signal's reason.
 *
 * `dispose` ends the worker, if it was given as a `Worker` and no other connection of this thread uses it; a shared
 * worker or the other end of a port frees the images of this connection, and the model after the last one. The same
 * happens if `connectSam` fails.
 *
 * Throws what `load` throws in the worker, with its class and code, and `BackendError` `E_BACKEND_UNAVAILABLE` if the
 * worker's script cannot be loaded. If the worker ends later, all pending and later calls reject with
 * `E_BACKEND_FAILED`.
 *
 * @example
 * const worker = new Worker(new URL('./sam.worker.js', import.meta.url), { type: 'module' })
 * const sam = await connectSam(worker)
 * const image = await sam.encode(bitmap)
 */
export async function connectSam(worker: WorkerLike, options: ConnectOptions = {}): Promise<RemoteSam> {
  const { data, onProgress, signal } = readOptions('connectSam', options, {
    data: true,
    onProgress: true,
    signal: true
  })
  const connection = connect<SamCalls>(worker)
  connections.set(worker, (connections.get(worker) ?? 0) + 1)
  try {
    return new WorkerSam(worker, connection, await connection.call('open', [{ data, onProgress, signal }]))
  } catch (error) {
    await end({ worker, connection })
    throw error
  }
}

interface Held {
  readonly worker: WorkerLike
  readonly connection: Connection<SamCalls>
}

async function end({ worker, connection }: Held): Promise<void> {
  const left = connections.get(worker)! - 1
  connections.set(worker, left)
  const { terminate } = worker as { terminate?: () => unknown }
  if (typeof terminate === 'function' && !left) {
    connection.close(disposedError())
    await terminate.call(worker)
    return
  }
  await connection.call('dispose', []).catch(() => {}) // the worker may be gone
  connection.close(disposedError())
}

class WorkerSam implements RemoteSam {
  readonly config: Sam['config']
  readonly text: TextModel | undefined
  readonly textWidth: number | undefined
  readonly unusedTensors: readonly string[]
  readonly #held: Held
  #disposed: Promise<void> | undefined

  constructor(
    worker: WorkerLike,
    connection: Connection<SamCalls>,
    { config, text, textWidth, unusedTensors }: SamFacts
  ) {
    this.config = config
    this.unusedTensors = unusedTensors
    this.textWidth = textWidth
    this.text = text && textModel(text, connection)
    this.#held = { worker, connection }
    whenCollected(this, this.#held, end)
  }

  async encode(input: ImageInput, given: Parameters<RemoteSam['encode']>[1] = {}): Promise<RemoteImage> {
    const { transfer, ...options } = readOptions('encode', given, { signal: true, transfer: true })
    const sent = isDrawn(input) ? await snapshot(input) : atPage(input)
    if (transfer && typeof sent === 'object') moving(sent, buffersOf(sent))
    return this.#image(late => this.#held.connection.call('encode', [sent, options], late))
  }

  async *encodeAll<T = ImageInput>(
    sources: Iterable<T> | AsyncIterable<T>,
    options: EncodeAllOptions<T> = {}
  ): AsyncGenerator<RemoteSource<T>, void, undefined> {
    const { read, signal } = readOptions('encodeAll', options, { batchSize: true, read: true, signal: true })
    for await (const source of sources) {
      const one = async (): Promise<RemoteSource<T>> => {
        try {
          const input = read ? await read(source) : (source as ImageInput)
          return { source, image: await this.encode(input, { signal }) }
        } catch (error) {
          if (signal?.aborted || !isOfImage(error)) throw error
          return { source, error }
        }
      }
      yield await one()
    }
  }

  load(...args: Parameters<Sam['load']>): Promise<RemoteImage> {
    return this.#image(late => this.#held.connection.call('load', args, late))
  }

  recover(): Promise<void> {
    return this.#held.connection.call('recover', [])
  }

  encoderFingerprint(): Promise<string | undefined> {
    return this.#held.connection.call('encoderFingerprint', [])
  }

  dispose(): Promise<void> {
    disposedOf(this)
    return (this.#disposed ??= end(this.#held))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** An image that the worker made. One that arrives after an abort is freed. */
  async #image(call: (late: (facts: ImageFacts) => void) => Promise<ImageFacts>): Promise<RemoteImage> {
    const { connection } = this.#held
    const facts = await call(({ id }) => void connection.call('release', [id]).catch(() => {}))
    const crop: WorkerImage['encodeCrop'] = (box, options = {}) =>
      this.#image(late => connection.call('encodeCrop', [facts.id, box, options], late))
    return new WorkerImage(this, connection, { ...facts, crop })
  }
}

interface HeldImage {
  readonly id: number
  readonly connection: Connection<SamCalls>
}

const release = ({ id, connection }: HeldImage): Promise<void> => connection.call('release', [id]).catch(() => {})

class WorkerImage implements RemoteImage {
  readonly width: number
  readonly height: number
  readonly encodeCrop: RemoteImage['encodeCrop']
  readonly #sam: RemoteSam
  readonly #held: HeldImage
  #disposed = false
  /** Calls in progress: while there are some, this is not collected. */
  #uses = 0

  constructor(
    sam: RemoteSam,
    connection: Connection<SamCalls>,
    { id, width, height, crop }: ImageFacts & { readonly crop: RemoteImage['encodeCrop'] }
  ) {
    this.width = width
    this.height = height
    this.encodeCrop = (...args) => this.#use(() => crop(...args))
    this.#sam = sam
    this.#held = { id, connection }
    whenCollected(this, this.#held, release)
  }

  get text(): TextModel | undefined {
    return this.#sam.text
  }

  get textWidth(): number | undefined {
    return this.#sam.textWidth
  }

  readonly predict = ((...args: unknown[]) => this.#call('predict', args)) as RemoteImage['predict']
  readonly generateMasks = ((...args) => this.#call('generateMasks', args)) as RemoteImage['generateMasks']
  readonly query = ((...args) => this.#call('query', args)) as RemoteImage['query']
  readonly photo = (() => this.#call('photo', [])) as RemoteImage['photo']
  readonly embedding = (() => this.#call('embedding', [])) as RemoteImage['embedding']
  readonly save = (() => this.#call('save', [])) as RemoteImage['save']

  streamMasks(options?: AutomaticMaskOptions): ReturnType<EncodedImage['streamMasks']> {
    const { id, connection } = this.#held
    return receiveUpdates(send => this.#use(() => connection.call('streamMasks', [id, options, send])))
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    disposedOf(this)
    void release(this.#held)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #call(method: ImageMethod, args: unknown[]): Promise<unknown> {
    return this.#use(() => this.#held.connection.call('image', [this.#held.id, method, ...args]))
  }

  async #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#disposed) refuse('E_DISPOSED', 'this EncodedImage was disposed; encode the photo again')
    this.#uses++
    try {
      return await work()
    } finally {
      this.#uses--
    }
  }
}

function textModel({ crops, ...facts }: NonNullable<SamFacts['text']>, { call }: Connection<SamCalls>): TextModel {
  const embed: TextModel['embed'] = (...args) => call('embed', args)
  return crops ? { ...facts, embed, embedCrops: (...args) => call('embedCrops', args) } : { ...facts, embed }
}

/** What the browser draws from the document, which a worker cannot have. */
type Drawn = HTMLCanvasElement | OffscreenCanvas | HTMLImageElement | HTMLVideoElement

const isDrawn = (input: unknown): input is Drawn =>
  ['HTMLCanvasElement', 'OffscreenCanvas', 'HTMLImageElement', 'HTMLVideoElement'].includes(
    Object.prototype.toString.call(input).slice(8, -1)
  )

/** What a canvas, image or video shows now, as a bitmap that moves to the worker. Throws `E_BAD_IMAGE`. */
async function snapshot(input: Drawn): Promise<ImageBitmap> {
  try {
    const bitmap = await createImageBitmap(input, { imageOrientation: 'from-image', premultiplyAlpha: 'none' })
    return moving(bitmap, [bitmap])
  } catch (cause) {
    return refuse('E_BAD_IMAGE', `image: cannot be read (${(cause as Error).message})`, { cause })
  }
}

/** Relative URLs are relative to the page, not to the script of the worker. Node has paths instead. */
function atPage(input: ImageInput): ImageInput {
  const page = globalThis.location?.href
  if (typeof input !== 'string' || page === undefined || URL.canParse(input) || !URL.canParse(input, page)) return input
  return new URL(input, page).href
}

/** The memory of an image that can be moved. */
function buffersOf(input: unknown): Transferable[] {
  const { data, buffer } = input as Partial<PixelSource> & { buffer?: ArrayBuffer }
  if ('close' in (input as object)) return [input as ImageBitmap]
  const memory = input instanceof ArrayBuffer ? input : (buffer ?? data?.buffer)
  return memory instanceof ArrayBuffer ? [memory] : []
}
