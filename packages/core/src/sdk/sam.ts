import type { Backend, CompileOptions, DeviceTensor, Executable } from '../backend/backend.js'
import { refuse, shown } from '../errors.js'
import { frameOf, type Frame } from '../image/frame.js'
import type { RgbImage } from '../image/image.js'
import { readOptions } from '../options.js'
import type { SamConfig } from '../sam/config.js'
import type { HostTensor } from '../tensor/tensor.js'
import type { TextModel } from '../text-search/crop-encoder.js'
import type { WeightSource } from '../weights/source.js'
import type { CompiledDecoder } from './compiled-decoder.js'
import { encoderFingerprint, imageFingerprint, readEmbedding } from './embedding-file.js'
import { EncodedImage } from './encoded-image.js'
import { preprocess, readImage, type ImageInput } from './preprocess.js'

/** The model as opened and compiled by `loadSam`. */
interface LoadedModel {
  readonly config: SamConfig
  readonly backend: Backend
  readonly weights: WeightSource
  readonly unusedTensors: readonly string[]
  readonly text: TextModel | undefined
  readonly textWidth: number | undefined
  readonly decoder: CompiledDecoder
  /** Throws `E_WEIGHTS_MISMATCH` for a checkpoint without an image encoder. */
  readonly compileEncoder: (options?: CompileOptions) => Promise<Executable>
  /** Frees the compiled graphs and closes the checkpoint. */
  readonly dispose: () => Promise<void>
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
   * copied before this returns its promise.
   */
  async encode(input: ImageInput, options: { signal?: AbortSignal | undefined } = {}): Promise<EncodedImage> {
    const { backend, decoder, compileEncoder } = this.#model
    decoder.check()
    const { signal } = readOptions('encode', options, { signal: true })
    signal?.throwIfAborted()
    const compiling = compileEncoder()
    compiling.catch(() => {}) // awaited below, after the pixels are read
    const { tensor, frame, fingerprint } = await preprocess(input, { backend, side: this.config.imageSize, signal })
    try {
      const encoder = await compiling
      const { image_embedding: embedding } = await encoder.run({ image: tensor }, signal ? { signal } : {})
      const photo = async (): Promise<RgbImage> => {
        const image = await readImage(input)
        if ((await imageFingerprint(image)) === (await fingerprint())) return image
        return refuse('E_BAD_IMAGE', 'the photo must be the encoded one, found other pixels; encode it again')
      }
      return this.#encoded({
        frame,
        embedding,
        fingerprint,
        photo,
        encoderFingerprint: () => this.encoderFingerprint()
      })
    } finally {
      if ('dispose' in tensor) tensor.dispose()
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
