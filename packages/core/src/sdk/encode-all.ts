import { untilAborted } from '../backend/until-aborted.js'
import { isOfImage } from '../errors.js'
import type { EncodedImage } from './encoded-image.js'
import type { ImageInput } from './preprocess.js'

export interface EncodeAllOptions<T = ImageInput> {
  /**
   * Images per run of the encoder, 1 to 64. Default 1: on a CPU a batch is not faster, and each size is a compiled
   * encoder of its own, with its own memory.
   */
  readonly batchSize?: number | undefined
  /** Gives the image of a source that is not itself one: `file => decodeImage(file, { window })`. */
  readonly read?: ((source: T) => ImageInput | Promise<ImageInput>) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A source, and its encoded image, which the caller disposes of, or why it has none. */
export type EncodedSource<T = ImageInput> =
  | { readonly source: T; readonly image: EncodedImage; readonly error?: undefined }
  | { readonly source: T; readonly image?: undefined; readonly error: Error }

/** A source whose image was read, or failed. */
type Read<T, Input> =
  | { readonly source: T; readonly input: Input }
  | { readonly source: T; readonly input?: undefined; readonly error: Error }

interface Steps<T, Input> {
  readonly batchSize: number
  readonly signal: AbortSignal | undefined
  readonly read: (source: T) => Promise<Input>
  readonly encode: (inputs: readonly Input[]) => Promise<readonly EncodedImage[]>
  readonly discard: (input: Input) => void
}

/**
 * Encodes in the order of the sources. While the encoder runs and the caller works on one batch, the next is read; not
 * more. See `Sam.encodeAll`.
 */
export async function* encodeAll<T, Input>(
  sources: Iterable<T | PromiseLike<T>> | AsyncIterable<T>,
  { batchSize, signal, read, encode, discard }: Steps<T, Input>
): AsyncGenerator<EncodedSource<T>, void, undefined> {
  const iterator = Symbol.asyncIterator in sources ? sources[Symbol.asyncIterator]() : sources[Symbol.iterator]()
  const readBatch = async (): Promise<Read<T, Input>[]> => {
    const batch: Read<T, Input>[] = []
    try {
      while (batch.length < batchSize) {
        signal?.throwIfAborted()
        const next = await iterator.next()
        if (next.done) break
        batch.push(await readOne(await next.value))
      }
      return batch
    } catch (error) {
      discardAll(batch)
      throw error
    }
  }
  const readOne = async (source: T): Promise<Read<T, Input>> => {
    try {
      return { source, input: await read(source) }
    } catch (error) {
      if (signal?.aborted || !isOfImage(error)) throw error
      return { source, error }
    }
  }
  const discardAll = (batch: readonly Read<T, Input>[]): void => {
    for (const { input } of batch) if (input !== undefined) discard(input)
  }

  let reading = readBatch()
  let encoded: EncodedSource<T>[] = []
  try {
    for (;;) {
      const batch = await untilAborted(reading, signal, () => {})
      if (batch.length === 0) return
      reading = readBatch()
      reading.catch(() => {}) // thrown where it is awaited
      const images = [...(await encode(batch.flatMap(({ input }) => (input === undefined ? [] : [input]))))]
      encoded = batch.map(one =>
        one.input === undefined ? one : { source: one.source, image: images.shift()! }
      ) as EncodedSource<T>[]
      for (let next = encoded.shift(); next; next = encoded.shift()) yield next
    }
  } finally {
    for (const { image } of encoded) image?.dispose()
    // Not awaited: a source that never answers must not keep the loop from ending.
    reading.then(discardAll, () => {})
    Promise.resolve(iterator.return?.()).catch(() => {})
  }
}
