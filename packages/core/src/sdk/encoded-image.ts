import { cropImage } from '../image/crop.js'
import type { DeviceTensor, Executable } from '../backend/backend.js'
import { refuse, SamError, shown } from '../errors.js'
import type { Frame } from '../image/frame.js'
import type { RgbImage } from '../image/image.js'
import { generateMasks, type AutomaticMask } from '../automatic/generator.js'
import type { AutomaticMaskOptions } from '../automatic/options.js'
import type { Box } from '../masks/box.js'
import { checkPrompt } from '../prompts/check-prompt.js'
import { decoderPrompt, type DecoderPrompt } from '../prompts/decoder-prompt.js'
import { embedTexts } from '../prompts/embed-phrases.js'
import { promptFeeds, promptSignature } from '../prompts/prompt-feeds.js'
import { maxPrompts, type Prompt } from '../prompts/prompt.js'
import type { Multimask, Prediction } from '../prompts/promptable.js'
import { lowResSize, type SamConfig } from '../sam/config.js'
import { batches } from '../tensor/batches.js'
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

/** An encoded image: predicts masks for any number of prompts, also concurrently. */
export class EncodedImage implements Disposable, SearchableImage {
  /** Size of the photo, in pixels. */
  readonly width: number
  readonly height: number
  readonly #encoded: Encoded
  /** Outputs of the per-image stages used so far. */
  readonly #perImage = new Map<Executable, Promise<Record<string, DeviceTensor>>>()
  #photo: Promise<RgbImage> | undefined
  #disposed = false

  /** @internal Use `Sam.encode` or `Sam.load`. */
  constructor(encoded: Encoded) {
    ;[this.height, this.width] = encoded.frame.originalSize
    this.#encoded = encoded
  }

  /**
   * Masks for a prompt, best first; for a list of prompts, one prediction each, in one decode (lists longer than 64
   * take several). Throws `InputError` `E_BAD_PROMPT` or `E_DISPOSED`.
   */
  predict(prompt: Prompt, options?: PredictOptions): Promise<Prediction>
  predict(prompts: readonly Prompt[], options?: PredictOptions): Promise<Prediction[]>
  async predict(
    prompts: Prompt | readonly Prompt[],
    { multimask = 'auto', best = false, maskThreshold = 0, signal }: PredictOptions = {}
  ): Promise<Prediction | Prediction[]> {
    this.#check()
    signal?.throwIfAborted()
    if (multimask !== 'auto' && typeof multimask !== 'boolean')
      refuse('E_BAD_OPTION', `multimask: must be 'auto', true or false, found ${String(multimask)}`)
    if (!Number.isFinite(maskThreshold))
      refuse('E_BAD_OPTION', `maskThreshold: must be a finite number, found ${shown(maskThreshold)}`)
    const list = Array.isArray(prompts) ? (prompts as readonly Prompt[]) : [prompts as Prompt]
    const { config, text, textWidth, frame } = this.#encoded
    for (const prompt of list) checkPrompt(prompt, this, { embeddingWidth: config.width, textWidth })
    const embedded = await embedTexts(list, text, signal)
    const predictions: Prediction[] = []
    for (const batch of batches(embedded, maxPrompts)) {
      const ready = batch.map(prompt => decoderPrompt(prompt, frame, lowResSize(config)))
      predictions.push(...(await this.#decode(ready, { multimask, best, maskThreshold, signal })))
    }
    return Array.isArray(prompts) ? predictions : predictions[0]
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
      this.#perImage.clear()
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
    let outputs = this.#perImage.get(perImage)
    if (!outputs) {
      outputs = perImage.run({ image_embedding: this.#encoded.embedding })
      this.#perImage.set(perImage, outputs)
      outputs.catch(() => this.#perImage.delete(perImage))
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
  async encodeCrop(box: Box, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<EncodedImage> {
    this.#check()
    return this.#encoded.encode(cropImage(await this.photo(), box), signal)
  }

  /** The embedding, [1, C, g, g], in host memory. */
  async embedding(): Promise<HostTensor<'f32'>> {
    this.#check()
    const { embedding } = this.#encoded
    return ('read' in embedding ? await embedding.read() : embedding) as HostTensor<'f32'>
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
    const { embedding } = this.#encoded
    if ('dispose' in embedding) embedding.dispose()
    for (const outputs of this.#perImage.values())
      outputs.then(
        tensors => Object.values(tensors).forEach(t => t.dispose()),
        () => {}
      )
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #check(): void {
    this.#encoded.decoder.check()
    if (this.#disposed) refuse('E_DISPOSED', 'this EncodedImage was disposed; encode the photo again')
  }
}
