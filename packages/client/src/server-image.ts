import type {
  AutomaticMask,
  AutomaticMaskOptions,
  EncodedImage,
  Instance,
  MaskUpdate,
  PredictOptions,
  Prediction,
  Prompt,
  QueryOptions
} from '@sam/core'
import { refuse } from '@sam/core/graph'
import { frameOf, type Frame } from '@sam/core/model'
import { throwCode, UnknownImage, type Connection, type SendOptions } from './connection.js'
import { jsonLines } from './lines.js'
import {
  promptJson,
  readAutomaticMask,
  readMask,
  type ImageFacts,
  type SentAutomaticMask,
  type SentMask
} from './wire.js'

/** An image of another `Sam` in this process, with which prompts are decoded here. */
export type LocalImage = Pick<EncodedImage, 'predict' | 'dispose'>

interface Held {
  readonly connection: Connection
  readonly imageSize: number
  readonly format: 'rle' | 'logits'
  /** Sends the image again, after the server has forgotten it. */
  readonly upload: (signal: AbortSignal | undefined) => Promise<ImageFacts>
}

type AutomaticOptions = Omit<AutomaticMaskOptions, 'pointGrids' | 'keepLogits'>

/** The options of `EncodedImage.query` that a server takes. */
export type ServerQueryOptions = Omit<QueryOptions, 'detect' | 'route' | 'automatic'> & {
  readonly route?: 'prompt' | 'rank' | undefined
  readonly automatic?: Omit<AutomaticOptions, 'signal' | 'onProgress'> | undefined
}

type Line =
  | {
      readonly added: readonly SentAutomaticMask[]
      readonly removed: readonly number[]
      readonly done: number
      readonly total: number
    }
  | { readonly error: { readonly code: string; readonly message: string } }

/** An image on a server, with the methods of `EncodedImage`. */
export class ServerImage implements Disposable {
  readonly width: number
  readonly height: number
  readonly #held: Held
  readonly #frame: Frame
  readonly #local: LocalImage | undefined
  #id: string
  #disposed = false

  /** @internal Use `ServerSam.encode`. */
  constructor({ id, width, height }: ImageFacts, held: Held, local: LocalImage | undefined) {
    this.width = width
    this.height = height
    this.#id = id
    this.#held = held
    this.#frame = frameOf({ width, height }, held.imageSize)
    this.#local = local
  }

  /** The id of the image on the server: of its content and the model. */
  get id(): string {
    return this.#id
  }

  /**
   * As `EncodedImage.predict`. Masks have their logits only with the option `logits` of `connectServer`, or where they
   * are decoded in this process. Throws `InputError`, and `BackendError` where the server fails.
   */
  predict(prompt: Prompt, options?: PredictOptions): Promise<Prediction>
  predict(prompts: readonly Prompt[], options?: PredictOptions): Promise<Prediction[]>
  async predict(prompts: Prompt | readonly Prompt[], options: PredictOptions = {}): Promise<Prediction | Prediction[]> {
    this.#check()
    if (this.#local) return this.#local.predict(prompts as Prompt, options)
    const { signal, ...rest } = options
    const list = ([prompts] as readonly (Prompt | readonly Prompt[])[]).flat()
    const body = { prompts: list.map(promptJson), format: this.#held.format, ...rest }
    const response = await this.#send('predict', { body, signal })
    const { predictions } = (await response.json()) as { predictions: { masks: SentMask[] }[] }
    const read = predictions.map(({ masks }) => ({
      masks: masks.map(mask => readMask(mask, this.#frame)),
      tokenIndices: masks.map(({ token = 0 }) => token)
    }))
    return Array.isArray(prompts) ? read : read[0]
  }

  /** As `EncodedImage.generateMasks`, computed on the server. */
  async generateMasks(options: AutomaticOptions = {}): Promise<AutomaticMask[]> {
    const masks = new Set<AutomaticMask>()
    for await (const { added, removed } of this.streamMasks(options)) {
      for (const mask of removed) masks.delete(mask)
      for (const mask of added) masks.add(mask)
    }
    return [...masks].sort((a, b) => b.mask.predictedIou - a.mask.predictedIou)
  }

  /** As `EncodedImage.streamMasks`, computed on the server. Leaving the loop ends the work there. */
  async *streamMasks(options: AutomaticOptions = {}): AsyncGenerator<MaskUpdate, void, undefined> {
    this.#check()
    const { signal, onProgress, ...rest } = options
    const body = { options: rest, format: this.#held.format }
    const response = await this.#send('generate', { body, signal })
    const masks = new Map<number, AutomaticMask>()
    for await (const line of jsonLines<Line>(response.body!)) {
      if ('error' in line) throwCode(line.error)
      const { added, removed, done, total } = line
      const gone = removed.map(id => masks.get(id)!)
      for (const id of removed) masks.delete(id)
      const read = added.map(sent => {
        const mask = readAutomaticMask(sent, this.#frame)
        masks.set(sent.id, mask)
        return mask
      })
      onProgress?.({ done, total })
      yield { added: read, removed: gone, done, total }
    }
  }

  /** As `EncodedImage.query`, computed on the server. */
  async query(phrase: string, options: ServerQueryOptions = {}): Promise<Instance[]> {
    this.#check()
    const { signal, ...rest } = options
    const response = await this.#send('query', { body: { text: phrase, format: this.#held.format, ...rest }, signal })
    const { instances } = (await response.json()) as { instances: { score: number; mask: SentMask }[] }
    return instances.map(({ score, mask: sent }) => {
      const mask = readMask(sent, this.#frame)
      return { mask, box: mask.boxXyxy, score, predictedIou: mask.predictedIou }
    })
  }

  /** As `EncodedImage.save`; with `half`, float16 values in half the bytes. */
  async save(
    options: { readonly half?: boolean; readonly signal?: AbortSignal | undefined } = {}
  ): Promise<Uint8Array> {
    this.#check()
    const { half = false, signal } = options
    const response = await this.#send(`embedding?precision=${half ? 'half' : 'float'}`, { method: 'GET', signal })
    return new Uint8Array(await response.arrayBuffer())
  }

  /** Frees the embedding in this process. The server forgets the image when its cache is full. */
  dispose(): void {
    this.#disposed = true
    this.#local?.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  async #send(what: string, options: SendOptions): Promise<Response> {
    const { connection, upload } = this.#held
    const send = (): Promise<Response> =>
      connection.send(`v1/images/${this.#id}/${what}`, { method: 'POST', ...options })
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof UnknownImage)) throw error
      this.#id = (await upload(options.signal)).id
      return send()
    }
  }

  #check(): void {
    if (this.#disposed) refuse('E_DISPOSED', 'this ServerImage was disposed; encode the photo again')
  }
}
