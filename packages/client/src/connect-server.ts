import type { ImageInput } from '@sam/core'
import { readOptions, refuse } from '@sam/core/graph'
import { Connection } from './connection.js'
import { imageFile } from './image-file.js'
import { ServerImage, type LocalImage } from './server-image.js'
import type { ImageFacts, ModelFacts } from './wire.js'

/** A `Sam` in this process that has the decoder at least: of `loadSam({ parts: 'decoder' })`, or of `connectSam`. */
export interface LocalDecoder {
  load(bytes: Uint8Array, options?: { readonly signal?: AbortSignal | undefined }): Promise<LocalImage>
}

export interface ServerOptions {
  /** One of the server's tokens. */
  readonly token?: string | undefined
  /** The model. Default: the server's first one. */
  readonly model?: string | undefined
  /**
   * Decodes prompts in this process, with the same model: the embedding of an image is downloaded once, and `predict`
   * then needs no request. Automatic masks and text search still run on the server.
   */
  readonly decode?: LocalDecoder | undefined
  /** With `decode`: embeddings as float16 values, in half the bytes. Default false. */
  readonly half?: boolean | undefined
  /** Masks with their logits, 350 KB each: for smooth outlines, and as prompts without a loss. Default false. */
  readonly logits?: boolean | undefined
  /** How often a request is sent again while the server is busy. Default 8. */
  readonly retries?: number | undefined
  /** Sends requests. Default: the global `fetch`. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A model on a server, with the methods of `Sam`. */
export interface ServerSam {
  /** The name of the model on the server. */
  readonly model: string
  /**
   * As `Sam.encode`, on the server. Files are sent as they are, pixels as PNG; the server itself fetches `{ url }`, if
   * it may. Throws `InputError`, and `BackendError` where the server fails.
   */
  encode(
    input: ImageInput | { readonly url: string | URL },
    options?: { readonly signal?: AbortSignal | undefined }
  ): Promise<ServerImage>
}

/**
 * Connects to a server of `@sam/server`. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where it cannot be reached,
 * `E_BACKEND_FAILED` where it refuses the token, and `E_BAD_OPTION` for a model that it does not have.
 *
 * @example
 * const sam = await connectServer('http://localhost:8000', { token })
 * const image = await sam.encode(file)
 * const { masks } = await image.predict({ points: [{ x: 290, y: 150 }] })
 */
export async function connectServer(url: string | URL, given: ServerOptions = {}): Promise<ServerSam> {
  const options = readOptions('connectServer', given, {
    token: true,
    model: true,
    decode: true,
    half: true,
    logits: true,
    retries: true,
    fetch: true,
    signal: true
  })
  const base = String(url)
  if (!URL.canParse(base) || !/^https?:/.test(base))
    refuse('E_BAD_OPTION', 'url: must be the address of a server, like http://localhost:8000')
  const { token, decode, half = false, retries = 8, fetch = (request: Request) => globalThis.fetch(request) } = options
  const connection = new Connection({ url: base.endsWith('/') ? base : `${base}/`, token, retries, fetch })
  const { models } = await connection.json<{ models: ModelFacts[] }>('v1/models', { signal: options.signal })
  const model = options.model === undefined ? models[0] : models.find(({ name }) => name === options.model)
  if (!model) refuse('E_BAD_OPTION', `model: must be one of the server's: ${models.map(({ name }) => name).join(', ')}`)
  const { name, imageSize } = model
  return {
    model: name,
    async encode(input, { signal } = {}) {
      const body =
        typeof input === 'object' && 'url' in input ? { url: String(input.url) } : await imageFile(input, signal)
      const upload = (stop: AbortSignal | undefined): Promise<ImageFacts> =>
        connection.json(`v1/images?model=${name}`, { method: 'POST', body, signal: stop })
      const held = { connection, imageSize, format: options.logits ? 'logits' : 'rle', upload } as const
      const facts = await upload(signal)
      if (!decode) return new ServerImage(facts, held, undefined)
      const bytes = await new ServerImage(facts, held, undefined).save({ half, signal })
      return new ServerImage(facts, held, await decode.load(bytes, { signal }))
    }
  }
}
