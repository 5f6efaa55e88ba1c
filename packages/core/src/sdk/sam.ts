import type { Backend, DeviceTensor, Executable } from '../backend/backend.js'
import { refuse, shown } from '../errors.js'
import { frameOf, type Frame } from '../image/frame.js'
import type { RgbImage } from '../image/image.js'
import { readOptions } from '../options.js'
import type { SamConfig } from '../sam/config.js'
import { sizeOf } from '../tensor/shape.js'
import { f32, type HostTensor } from '../tensor/tensor.js'
import type { TextModel } from '../text-search/crop-encoder.js'
import type { WeightSource } from '../weights/source.js'
import type { CompiledDecoder } from './compiled-decoder.js'
import { encoderFingerprint, imageFingerprint, readEmbedding } from './embedding-file.js'
import { EncodedImage } from './encoded-image.js'
import { encodeAll, type EncodedSource, type EncodeAllOptions } from './encode-all.js'
import { preprocess, readImage, type ImageInput, type Preprocessed } from './preprocess.js'

/** The model as opened and compiled by `loadSam`. */
interface LoadedModel {
  readonly config: SamConfig
  readonly backend: Backend
  readonly weights: WeightSource
  readonly unusedTensors: readonly string[]
  readonly text: TextModel | undefined
  readonly textWidth: number | undefined
  readonly decoder: CompiledDecoder
  /** The encoder of so many images per run. Throws `E_WEIGHTS_MISMATCH` for a checkpoint without an image encoder. */
  readonly compileEncoder: (images: number) => Promise<Executable>
  /** Frees the compiled graphs and closes the checkpoint. */
  readonly dispose: () => Promise<void>
}

/** Images per run that `encodeAll` takes. */
const maxBatchSize = 64

/** An image that was read for the encoder. */
interface ReadImage extends Preprocessed {
  /** Its pixels, read again from its source. */
  readonly photo: () => Promise<RgbImage>
}

/** Tensors of one image each as one of `images`; those that are missing are zeros. */
function together(tensors: readonly HostTensor[], images: number): HostTensor {
  const [, ...shape] = tensors[0].shape
  const data = new Float32Array(images * sizeOf(shape))
  for (const [i, tensor] of tensors.entries()) data.set(tensor.data, i * sizeOf(shape))
  return f32([images, ...shape], data)
}

/** The first `count` of a tensor of several images, one by one in host memory. Disposes of the tensor. */
async function separate(tensor: DeviceTensor, count: number): Promise<HostTensor[]> {
  const [, ...shape] = tensor.shape
  const length = sizeOf(shape)
  try {
    const parts: HostTensor[] = []
    for (let i = 0; i < count; i++) {
      const { data } = await tensor.read({ start: i * length, length })
      parts.push(f32([1, ...shape], data))
    }
    return parts
  } finally {
    tensor.dispose()
  }
}

/**
 * A loaded model, which encodes images. Reuse it, and dispose of it when done: `await using sam = await loadSam(…)`, or
 * `dispose()`. One that was not is freed some time after the last reference to it and its images is gone.
 */
export class Sam implements AsyncDisposable {
  readonly config: SamConfig
  readonly #model: LoadedModel
  #fingerprint: Promise<string | undefined> | undefined
  #disposed: Promise<void> | undefined

  /** @internal Use `loadSam`. */
  constructor(model: LoadedModel) {
    this.config = model.config
    this.#model = model
  }

  /**
   * Names of tensors in the checkpoint that the model does not have, sorted: see `strict` of `loadSam`. Tensors outside
   * the prefix that holds the SAM are not among them.
   */
  get unusedTensors(): readonly string[] {
    return this.#model.unusedTensors
  }

  /** The text encoder given to `loadSam`. */
  get text(): TextModel | undefined {
    return this.#model.text
  }

  /** Dimensions of the checkpoint's text prompts; undefined if it has none. */
  get textWidth(): number | undefined {
    return this.#model.textWidth
  }

  /**
   * Runs the image encoder: the expensive part, once per image. Coordinates of prompts and masks are pixels of the
   * upright image. Bitmaps, canvases, video frames and RGBA bytes are resized on the device if the backend supports
   * them. Throws `InputError` `E_BAD_IMAGE` or `E_IMAGE_TOO_LARGE` for images that cannot be decoded, `E_DISPOSED`
   * after `dispose`, and `BackendError` `E_DEVICE_LOST`: then {@link recover}, and encode again. Pixels in memory are
   * copied before this returns its promise. For many images, see {@link encodeAll}.
   */
  async encode(input: ImageInput, options: { signal?: AbortSignal | undefined } = {}): Promise<EncodedImage> {
    const { backend, decoder, compileEncoder } = this.#model
    decoder.check()
    const { signal } = readOptions('encode', options, { signal: true })
    signal?.throwIfAborted()
    const compiling = compileEncoder(1)
    compiling.catch(() => {}) // awaited by #run, after the pixels are read
    const [image] = await this.#run([await this.#read(input, { backend, signal })], { images: 1, signal })
    return image
  }

  /**
   * Encodes images one after the other, in their order: while the encoder runs, the next image is read and decoded. It
   * does not run ahead of the loop by more than a batch. An image that cannot be read has an `error` instead, and the
   * rest continues. You dispose of each image; when the loop ends early, what it did not receive is disposed of.
   *
   * `read` gives the image of a source that is not itself one. Throws what {@link encode} throws for errors that are
   * not of one image (device, abort), what the iteration of `sources` throws, and `E_BAD_OPTION`.
   *
   * @example
   * for await (const { source, image, error } of sam.encodeAll(['a.jpg', 'b.jpg'])) {
   *   if (error) console.error(source, error.message)
   *   else {
   *     await writeFile(`${source}.embedding`, await image.save())
   *     image.dispose()
   *   }
   * }
   */
  encodeAll<T extends ImageInput>(
    sources: Iterable<T> | AsyncIterable<T>,
    options?: EncodeAllOptions<T>
  ): AsyncGenerator<EncodedSource<T>, void, undefined>
  encodeAll<T>(
    sources: Iterable<T> | AsyncIterable<T>,
    options: EncodeAllOptions<T> & { readonly read: (source: T) => ImageInput | Promise<ImageInput> }
  ): AsyncGenerator<EncodedSource<T>, void, undefined>
  encodeAll<T>(
    sources: Iterable<T> | AsyncIterable<T>,
    options: EncodeAllOptions<T> = {}
  ): AsyncGenerator<EncodedSource<T>, void, undefined> {
    this.#model.decoder.check()
    const names = { batchSize: true, read: true, signal: true } as const
    const { batchSize = 1, read, signal } = readOptions('encodeAll', options, names)
    if (
      typeof sources !== 'object' ||
      sources === null ||
      !(Symbol.iterator in sources || Symbol.asyncIterator in sources)
    )
      refuse('E_BAD_OPTION', `encodeAll: must have a list of images, found ${shown(sources)}`)
    if (!(Number.isInteger(batchSize) && batchSize >= 1 && batchSize <= maxBatchSize))
      refuse('E_BAD_OPTION', `batchSize: must be a whole number from 1 to ${maxBatchSize}, found ${shown(batchSize)}`)
    if (read !== undefined && typeof read !== 'function')
      refuse('E_BAD_OPTION', `read: must be a function, found ${shown(read)}`)
    // Tensors of a batch are put together on the host.
    const backend = batchSize === 1 ? this.#model.backend : undefined
    return encodeAll(sources, {
      batchSize,
      signal,
      read: async source =>
        this.#read(read ? await read(source) : (source as unknown as ImageInput), { backend, signal }),
      encode: inputs => this.#run(inputs, { images: batchSize, signal }),
      discard: ({ tensor }) => {
        if ('dispose' in tensor) tensor.dispose()
      }
    })
  }

  /** Reads an image and makes the encoder's input of it: on the device, if a backend is given. */
  async #read(
    input: ImageInput,
    { backend, signal }: { readonly backend: Backend | undefined; readonly signal: AbortSignal | undefined }
  ): Promise<ReadImage> {
    const read = await preprocess(input, { backend, side: this.config.imageSize, signal })
    const photo = async (): Promise<RgbImage> => {
      const image = await readImage(input)
      if ((await imageFingerprint(image)) === (await read.fingerprint())) return image
      return refuse('E_BAD_IMAGE', 'the photo must be the encoded one, found other pixels; encode it again')
    }
    return { ...read, photo }
  }

  /** Encodes up to `images` images in one run, and disposes of their tensors. */
  async #run(
    inputs: readonly ReadImage[],
    { images, signal }: { readonly images: number; readonly signal: AbortSignal | undefined }
  ): Promise<readonly EncodedImage[]> {
    const run = async (encoder: Executable, image: HostTensor | DeviceTensor): Promise<DeviceTensor> =>
      (await encoder.run({ image }, signal ? { signal } : {})).image_embedding
    try {
      const encoder = await this.#model.compileEncoder(inputs.length > 1 ? images : 1)
      const embeddings =
        inputs.length > 1
          ? await separate(
              await run(
                encoder,
                together(
                  inputs.map(({ tensor }) => tensor as HostTensor),
                  images
                )
              ),
              inputs.length
            )
          : await Promise.all(inputs.map(({ tensor }) => run(encoder, tensor)))
      return inputs.map(({ frame, fingerprint, photo }, i) =>
        this.#encoded({
          frame,
          embedding: embeddings[i],
          fingerprint,
          photo,
          encoderFingerprint: () => this.encoderFingerprint()
        })
      )
    } finally {
      for (const { tensor } of inputs) if ('dispose' in tensor) tensor.dispose()
    }
  }

  /**
   * Loads an embedding saved with {@link EncodedImage.save}. Throws `InputError` `E_BAD_EMBEDDING` if the file is not
   * one, or is of another image encoder, other preprocessing or (if `image` is given) another photo.
   */
  async load(
    bytes: Uint8Array,
    options: { image?: ImageInput | undefined; signal?: AbortSignal | undefined } = {}
  ): Promise<EncodedImage> {
    this.#model.decoder.check()
    const { image, signal } = readOptions('load', options, { image: true, signal: true })
    signal?.throwIfAborted()
    if (!(bytes instanceof Uint8Array))
      refuse('E_BAD_EMBEDDING', `saved embedding: must be the bytes of the file, a Uint8Array, found ${shown(bytes)}`)
    const own = new Uint8Array(bytes)
    const photo = image === undefined ? undefined : await readImage(image, signal)
    const file = await readEmbedding(own, {
      config: this.config,
      encoder: await this.encoderFingerprint(),
      image: photo && (await imageFingerprint(photo))
    })
    return this.#encoded({
      frame: frameOf(file, this.config.imageSize),
      embedding: file.embedding,
      fingerprint: async () => file.image,
      encoderFingerprint: async () => file.encoder,
      photo: async () =>
        photo ??
        refuse('E_BAD_OPTION', 'the embedding must be loaded with its photo, found none: Sam.load(bytes, { image })')
    })
  }

  /**
   * After a lost device (`E_DEVICE_LOST`): opens it again and reloads the weights from the checkpoint. Encoded images
   * are lost with the device: encode them again (those loaded from a file work again). Does nothing if the device is
   * not lost. Throws `BackendError` if no device is available.
   */
  async recover(): Promise<void> {
    this.#model.decoder.check()
    await this.#model.backend.recover?.()
  }

  /**
   * Fingerprint of the image encoder's weights, read from the checkpoint on first use; undefined if it has no encoder.
   * For saved embeddings.
   */
  encoderFingerprint(): Promise<string | undefined> {
    this.#model.decoder.check()
    if (!this.#fingerprint) {
      this.#fingerprint = encoderFingerprint(this.#model.weights)
      this.#fingerprint.catch(() => {
        this.#fingerprint = undefined
      }) // retry after a failed read
    }
    return this.#fingerprint
  }

  /** Frees the compiled graphs and closes the checkpoint. Its images can no longer predict. The backend stays open. */
  dispose(): Promise<void> {
    return (this.#disposed ??= this.#model.dispose())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #encoded(image: {
    frame: Frame
    embedding: DeviceTensor | HostTensor
    fingerprint: () => Promise<string>
    encoderFingerprint: () => Promise<string | undefined>
    photo: () => Promise<RgbImage>
  }): EncodedImage {
    const { config, text, textWidth, decoder } = this.#model
    return new EncodedImage({
      ...image,
      config,
      text,
      textWidth,
      decoder,
      encode: (part, signal) => this.encode(part, { signal })
    })
  }
}
