import { cropImage } from '../image/crop.js'
import type { DeviceTensor, Executable } from '../backend/backend.js'
import { disposedOf, whenCollected } from '../collected.js'
import { refuse, SamError, shown } from '../errors.js'
import type { Frame } from '../image/frame.js'
import type { RgbImage } from '../image/image.js'
import { generateMasks, streamMasks, type AutomaticMask, type MaskUpdate } from '../automatic/generator.js'
import type { AutomaticMaskOptions } from '../automatic/options.js'
import type { Box } from '../masks/box.js'
import { readOptions } from '../options.js'
import { checkPrompts } from '../prompts/check-prompt.js'
import { decoderPrompt, type DecoderPrompt } from '../prompts/decoder-prompt.js'
import { embedTexts } from '../prompts/embed-phrases.js'
import { decodeBatches, promptFeeds, promptSignature } from '../prompts/prompt-feeds.js'
import type { Prompt } from '../prompts/prompt.js'
import type { Multimask, Prediction } from '../prompts/promptable.js'
import { lowResSize, type SamConfig } from '../sam/config.js'
import type { HostTensor } from '../tensor/tensor.js'
import type { TextModel } from '../text-search/crop-encoder.js'
import { query, type Instance, type QueryOptions, type SearchableImage } from '../text-search/query.js'
import type { CompiledDecoder } from './compiled-decoder.js'
import { writeEmbedding } from './embedding-file.js'
import { readPredictions, type DecoderOutputs, type ReadOptions } from './prediction.js'

export interface PredictOptions {
  /**
   * `true`: three masks, for ambiguous prompts. `false`: one mask, trained for several prompts. `auto` (default), the
   * paper's rule: three masks for a single point, box, mask, text or sparse embedding, one mask for several.
   */
  readonly multimask?: Multimask | undefined
  /**
   * Return only the best mask, and copy only its values to host memory: for previews on hover. Default false.
   */
  readonly best?: boolean | undefined
  /** A pixel is inside a mask when its logit exceeds this. Meta: `Sam.mask_threshold`. Default 0. */
  readonly maskThreshold?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** An embedding and its model. */
interface Encoded {
  readonly config: SamConfig
  readonly decoder: CompiledDecoder
  readonly text: TextModel | undefined
  readonly textWidth: number | undefined
  readonly frame: Frame
  /** On the device after encoding, on the host after loading. */
  readonly embedding: DeviceTensor | HostTensor
  /** Fingerprint of the photo. */
  readonly fingerprint: () => Promise<string>
  readonly encoderFingerprint: () => Promise<string | undefined>
  readonly photo: () => Promise<RgbImage>
  readonly encode: (crop: RgbImage, signal: AbortSignal | undefined) => Promise<EncodedImage>
}

/** What an image holds on its device. */
interface Resident {
  readonly embedding: DeviceTensor | HostTensor
  /** Outputs of the per-image stages used so far. */
  readonly perImage: Map<Executable, Promise<Record<string, DeviceTensor>>>
}

function free({ embedding, perImage }: Resident): void {
  if ('dispose' in embedding) embedding.dispose()
  for (const outputs of perImage.values())
    outputs.then(
      tensors => Object.values(tensors).forEach(t => t.dispose()),
      () => {}
    )
}

/**
 * An encoded image: predicts masks for any number of prompts, also concurrently. Dispose of it when done; one that was
 * not is freed some time after the last reference to it is gone.
 */
export class EncodedImage implements Disposable, SearchableImage {
  /** Size of the photo, in pixels. */
  readonly width: number
  readonly height: number
  readonly #encoded: Encoded
  readonly #resident: Resident
  #photo: Promise<RgbImage> | undefined
  #disposed = false
  /** Uses of {@link Resident} in progress. */
  #uses = 0

  /** @internal Use `Sam.encode` or `Sam.load`. */
  constructor(encoded: Encoded) {
    ;[this.height, this.width] = encoded.frame.originalSize
    this.#encoded = encoded
    this.#resident = { embedding: encoded.embedding, perImage: new Map() }
    whenCollected(this, this.#resident, free)
  }

  /**
   * Masks for a prompt, best first; for a list of prompts, one prediction each, in their order, the same as for each
   * prompt alone. A list is decoded in batches of at most 64 prompts; an abort takes effect between them. A call takes
   * at most 1,024 prompts. Prompts are copied before this returns. Throws `InputError` `E_BAD_PROMPT`, `E_BAD_OPTION`
   * or `E_DISPOSED`.
   */
  predict(prompt: Prompt, options?: PredictOptions): Promise<Prediction>
  predict(prompts: readonly Prompt[], options?: PredictOptions): Promise<Prediction[]>
  async predict(prompts: Prompt | readonly Prompt[], options: PredictOptions = {}): Promise<Prediction | Prediction[]> {
    this.#check()
    const names = { multimask: true, best: true, maskThreshold: true, signal: true } as const
    const { multimask = 'auto', best = false, maskThreshold = 0, signal } = readOptions('predict', options, names)
    signal?.throwIfAborted()
    if (multimask !== 'auto' && typeof multimask !== 'boolean')
      refuse('E_BAD_OPTION', `multimask: must be 'auto', true or false, found ${shown(multimask)}`)
    if (typeof best !== 'boolean') refuse('E_BAD_OPTION', `best: must be true or false, found ${shown(best)}`)
    if (!Number.isFinite(maskThreshold))
      refuse('E_BAD_OPTION', `maskThreshold: must be a finite number, found ${shown(maskThreshold)}`)
    const { config, text, textWidth, frame } = this.#encoded
    const rules = { frame, lowResSize: lowResSize(config), embeddingWidth: config.width, textWidth }
    const isList = Array.isArray(prompts)
    const checked = checkPrompts(prompts, rules)
    return this.#use(async () => {
      const embedded = await embedTexts(checked, text, signal)
      const predictions: Prediction[] = []
      for (const batch of decodeBatches(embedded.map(prompt => decoderPrompt(prompt, frame)))) {
        signal?.throwIfAborted()
        predictions.push(...(await this.#decode(batch, { multimask, best, maskThreshold, signal })))
      }
      return isList ? predictions : predictions[0]
    })
  }

  /** Runs work on the device's tensors, and keeps this image from being collected until it ends. */
  async #use<T>(work: () => Promise<T>): Promise<T> {
    this.#uses++
    try {
      return await work()
    } finally {
      this.#uses--
    }
  }

  async #decode(
    prompts: readonly DecoderPrompt[],
    {
      signal,
      ...options
    }: Pick<ReadOptions, 'multimask' | 'best' | 'maskThreshold'> & { signal: AbortSignal | undefined }
  ): Promise<Prediction[]> {
    const { config, decoder, embedding, frame } = this.#encoded
    const signature = promptSignature(prompts)
    const feeds = promptFeeds(prompts, signature, config)
    const { perImage, perPrompt } = await decoder.stages(signature)
    const run = async (): ReturnType<Executable['run']> => {
      const image = await this.#outputsOf(perImage)
      this.#check()
      return perPrompt.run({ ...image, ...feeds }, signal ? { signal } : {})
    }
    const out = await run().catch((error: unknown) => {
      if (!(SamError.is(error) && error.code === 'E_DEVICE_LOST')) throw error
      // The per-image outputs were lost with the device. If the backend has recovered, compute them again from an
      // embedding in host memory.
      this.#resident.perImage.clear()
      if ('read' in embedding) throw error
      return run()
    })
    try {
      return await readPredictions(out as DecoderOutputs, prompts, { ...options, frame })
    } finally {
      for (const tensor of Object.values(out)) tensor.dispose()
    }
  }

  /** The outputs of a per-image stage for this image, computed once. */
  #outputsOf(perImage: Executable): Promise<Record<string, DeviceTensor>> {
    const known = this.#resident.perImage
    let outputs = known.get(perImage)
    if (!outputs) {
      outputs = perImage.run({ image_embedding: this.#encoded.embedding })
      known.set(perImage, outputs)
      outputs.catch(() => known.delete(perImage))
    }
    return outputs
  }

  /**
   * Automatic mask generation: masks of all objects in the photo, best first, from a grid of points. See
   * {@link AutomaticMaskOptions}. Throws `E_BAD_OPTION`, and for `cropNLayers` what {@link photo} throws. Meta:
   * SamAutomaticMaskGenerator.
   */
  generateMasks(options?: AutomaticMaskOptions): Promise<AutomaticMask[]> {
    return generateMasks(this, options)
  }

  /**
   * The masks of {@link generateMasks} while they are found: an update after each batch of points, and one at the end.
   * Leaving the loop ends the work.
   *
   * @example
   * const found = new Set<AutomaticMask>()
   * for await (const { added, removed } of image.streamMasks()) {
   *   for (const mask of removed) found.delete(mask)
   *   for (const mask of added) found.add(mask)
   * }
   */
  streamMasks(options?: AutomaticMaskOptions): AsyncGenerator<MaskUpdate, void, undefined> {
    return streamMasks(this, options)
  }

  /**
   * The objects that a phrase describes, best first, without duplicates; empty if there are none. See
   * {@link QueryOptions} for the routes.
   *
   * @example
   * const wheels = await image.query('a wheel', { not: ['a headlight'] })
   */
  query(phrase: string, options?: QueryOptions): Promise<Instance[]> {
    return query(this, phrase, options)
  }

  /** The text encoder given to `loadSam`. */
  get text(): TextModel | undefined {
    return this.#encoded.text
  }

  /** Dimensions of the checkpoint's text prompts; undefined if it has none. */
  get textWidth(): number | undefined {
    return this.#encoded.textWidth
  }

  /**
   * The photo's pixels, read again from the encoded source: keep a bitmap open and pixels unchanged. Throws
   * `E_BAD_OPTION` for an embedding that was loaded without its photo, `E_BAD_IMAGE` if the photo is missing or is not
   * the encoded one, `E_DISPOSED`.
   */
  async photo(): Promise<RgbImage> {
    this.#check()
    this.#photo ??= this.#encoded.photo()
    this.#photo.catch(() => {
      this.#photo = undefined
    })
    return this.#photo
  }

  /**
   * Encodes a crop of the photo separately, for small objects. The box is in integer pixel edges; coordinates of the
   * result are relative to its top left corner. Throws what {@link photo} and `Sam.encode` throw.
   */
  async encodeCrop(box: Box, options: { signal?: AbortSignal | undefined } = {}): Promise<EncodedImage> {
    this.#check()
    const { signal } = readOptions('encodeCrop', options, { signal: true })
    if (!Array.isArray(box)) refuse('E_BAD_OPTION', `crop: must be [x0, y0, x1, y1], found ${shown(box)}`)
    const [x0, y0, x1, y1] = box // read before the await
    return this.#encoded.encode(cropImage(await this.photo(), [x0, y0, x1, y1]), signal)
  }

  /** The embedding, [1, C, g, g], in host memory. */
  async embedding(): Promise<HostTensor<'f32'>> {
    this.#check()
    const { embedding } = this.#encoded
    const tensor = await this.#use(async () => ('read' in embedding ? embedding.read() : embedding))
    return tensor as HostTensor<'f32'>
  }

  /**
   * The embedding as one self-describing file, for `Sam.load` on this or another machine. A bitmap, canvas or frame is
   * read again for its fingerprint: keep it open and unchanged until then. Throws `E_BAD_IMAGE` if it was closed.
   */
  async save(): Promise<Uint8Array> {
    const { config, fingerprint, encoderFingerprint } = this.#encoded
    const [embedding, image] = await Promise.all([this.embedding(), fingerprint()])
    const encoder = (await encoderFingerprint()) ?? ''
    return writeEmbedding({ embedding, width: this.width, height: this.height, image, encoder }, config)
  }

  /** Frees the embedding on the device. Pending predictions finish or fail with `E_DISPOSED`. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    disposedOf(this)
    free(this.#resident)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #check(): void {
    this.#encoded.decoder.check()
    if (this.#disposed) refuse('E_DISPOSED', 'this EncodedImage was disposed; encode the photo again')
  }
}
