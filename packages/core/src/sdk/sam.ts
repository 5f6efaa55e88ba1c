import type { Backend, CompileOptions, DeviceTensor, Executable } from '../backend/backend.js'
import { InputError, SamError, WeightsError } from '../errors.js'
import type { RgbImage } from '../image/image.js'
import { paramsOf, type Graph } from '../ir/graph.js'
import { structureOf } from '../ir/structure.js'
import { nameOf } from '../ir/value.js'
import { stage } from '../passes/stage.js'
import { configs, type SamConfig } from '../sam/config.js'
import { decodeMasks, encodeImage, type PromptSignature } from '../sam/graphs.js'
import { recognise } from '../sam/recognise.js'
import type { HostTensor } from '../tensor/tensor.js'
import { match } from '../weights/match.js'
import { openWeights, type WeightsLike } from '../weights/open.js'
import type { WeightSource } from '../weights/source.js'
import { readAnswers, type DecoderOutputs, type Multimask, type Prediction } from './prediction.js'
import { encoderFingerprint, encoderNames, imageFingerprint, readEmbedding, writeEmbedding } from './embedding-file.js'
import { frameOf, type Frame } from '../image/frame.js'
import { segmentEverything, type AutomaticMask, type EverythingOptions } from '../automatic/generator.js'
import { preprocess, readImage, type ImageInput } from './preprocess.js'
import { query, type Instance, type QueryOptions } from '../text-search/query.js'
import { checkPrompt, encodePrompts, maxPrompts, type Prompt, type ReadyPrompt } from '../prompts/prompt.js'
import type { TextModel } from '../prompts/phrases.js'
import { checkTextModel, embedTexts, textWidthOf } from '../prompts/embed-phrases.js'

export type { Multimask, Prediction } from './prediction.js'
export type { ImageInput } from './preprocess.js'

export interface LoadOptions {
  /**
   * The checkpoint: Meta's `.pth`, safetensors, or a Hugging Face `SamModel`; a path, URL, Blob, bytes or an open
   * source. Read by range, never whole.
   */
  readonly weights: WeightsLike
  /**
   * Where to run: `await cpu()`, `await cuda()`, `await webgpu()`. Shared by as many models as you like, and yours to
   * dispose.
   */
  readonly backend: Backend
  /** `vit_b`, `vit_l`, `vit_h`, or a configuration. Default: what the file looks like. */
  readonly model?: string | SamConfig | undefined
  /** Attention heads of the mask decoder, where neither `model` nor the file says it: see {@link recognise}. */
  readonly decoderHeads?: number | undefined
  /**
   * What understands words: `await loadClip(…)` or `await clipText(…)` of `@sam/clip`. Shared by as many models as you
   * like, and yours to dispose.
   */
  readonly text?: TextModel | undefined
  /** `decoder` loads no image encoder: for answering prompts on embeddings that were saved elsewhere. Default `all`. */
  readonly parts?: 'all' | 'decoder' | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * How far a load is. `loaded` and `total` count bytes of weights put in place; both only grow, and the last call has
 * them equal.
 */
export interface Progress {
  readonly phase: 'open' | 'compile' | 'ready'
  readonly loaded: number
  readonly total: number
}

/** The prompt shapes compiled ahead: one click, click and box together, each with and without a mask to refine. */
const common: readonly PromptSignature[] = [
  { prompts: 1, points: 2 },
  { prompts: 1, points: 4 },
  { prompts: 1, points: 4, masks: true }
]

/**
 * Opens a checkpoint, checks it against the model and readies it on a backend.
 * Throws `WeightsError` when the file is not a SAM or not of this model (every missing, unexpected and misshapen name
 * in one message), `BackendError` when the device refuses. An abort rejects with the signal's reason and leaves nothing
 * behind.
 *
 * @example
 * const sam = await loadSam({ weights: 'sam_vit_b_01ec64.pth', backend: await cpu() })
 * const image = await sam.encode('photo.jpg')
 * const { masks } = await image.predict({ points: [{ x: 500, y: 375 }] })
 */
export async function loadSam({
  weights: from,
  backend,
  model,
  decoderHeads,
  text,
  parts = 'all',
  onProgress,
  signal
}: LoadOptions): Promise<Sam> {
  onProgress?.({ phase: 'open', loaded: 0, total: 0 })
  signal?.throwIfAborted()
  const weights = await openWeights(from, { signal })
  // What the caller opened is the caller's to close.
  const close = async (): Promise<void> => {
    if (weights !== from) await weights.close()
  }
  let sam: Sam | undefined
  try {
    const config = configOf(weights, model, decoderHeads)
    const encoder = parts === 'all' ? encodeImage(config) : undefined
    checkWeights(config, weights, encoder)
    checkTextModel(text, textWidthOf(weights))
    sam = new Sam({ config, backend, weights, encoder, text, close })
    await sam.warm(parts, { signal, onProgress })
    return sam
  } catch (error) {
    await (sam ? sam.dispose() : close())
    throw error
  }
}

function configOf(weights: WeightSource, model: LoadOptions['model'], decoderHeads: number | undefined): SamConfig {
  if (typeof model === 'object') return model
  const config = model === undefined ? recognise(weights, { decoderHeads }) : configs[model]
  if (config) return config
  if (model !== undefined)
    throw new InputError(
      'E_BAD_OPTION',
      `model: must be one of ${Object.keys(configs).join(', ')} or a configuration, found '${model}'`
    )
  throw new WeightsError(
    'E_WEIGHTS_MISMATCH',
    `${weights.label}: the model must be recognisable from the names of its tensors, found ${weights.names.slice(0, 5).join(', ')} …; is this a SAM checkpoint? If so, say which with the option model`
  )
}

/** Every name of the model against every name of the file, in one error. */
function checkWeights(config: SamConfig, weights: WeightSource, encoder: Graph | undefined): void {
  const graphs = [
    decodeMasks(config, { prompts: 1, points: 1, masks: true, text: textWidthOf(weights) ?? 0 }),
    ...(encoder ? [encoder] : [])
  ]
  const wanted = new Map(graphs.flatMap(paramsOf).map(p => [nameOf(p)!, p.shape]))
  match(
    [...wanted].map(([name, shape]) => ({ name, shape })),
    weights,
    {
      allowUnexpected: name => !encoder && name.startsWith(encoderNames),
      guess() {
        try {
          const name = recognise(weights)?.name
          return name === config.name ? undefined : name
        } catch {
          return undefined
        }
      }
    }
  )
}

export interface PredictOptions {
  /**
   * `true`: three masks, for an ambiguous prompt. `false`: the single mask, trained for several prompts. `auto`
   * (default) is the paper's rule: three for a prompt of one point, box, mask, text or token, the single one for
   * several.
   */
  readonly multimask?: Multimask | undefined
  /**
   * Only the best of them. Only its numbers then leave the device: for previews under a pointer that moves. Default
   * false.
   */
  readonly best?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

interface Parts {
  readonly config: SamConfig
  readonly backend: Backend
  readonly weights: WeightSource
  readonly text: TextModel | undefined
  /** The image encoder's graph, where it was built already. */
  readonly encoder: Graph | undefined
  close(): Promise<void>
}

interface Decoder {
  /** What depends on the image alone: run once per image. Its outputs are inputs of `perPrompt`. */
  readonly perImage: Executable
  readonly perPrompt: Executable
}

/** A loaded model: encodes images. Hold on to it, and dispose it when done. */
export class Sam implements AsyncDisposable {
  readonly config: SamConfig
  readonly #parts: Parts
  /** Compiled graphs by their structure, so that two prompt shapes share a stage exactly when it is the same. */
  readonly #compiled = new Map<string, Promise<Executable>>()
  /** Decoders by prompt shape. */
  readonly #decoders = new Map<string, Promise<Decoder>>()
  #encoderGraph: Graph | undefined
  #fingerprint: Promise<string | undefined> | undefined
  #disposed = false

  /** @internal Use {@link loadSam}. */
  constructor(parts: Parts) {
    this.config = parts.config
    this.#parts = parts
  }

  /**
   * Fingerprint of the image encoder's weights, read from the checkpoint when first asked for; undefined when it has
   * none. For saved embeddings.
   */
  encoderFingerprint(): Promise<string | undefined> {
    this.check()
    if (!this.#fingerprint) {
      this.#fingerprint = encoderFingerprint(this.#parts.weights)
      this.#fingerprint.catch(() => {
        this.#fingerprint = undefined
      }) // a failed read must not spoil the next try
    }
    return this.#fingerprint
  }

  /** What understands words, as given to {@link loadSam}. */
  get text(): TextModel | undefined {
    return this.#parts.text
  }

  /** Numbers of the text embedding that this checkpoint takes as a prompt; undefined where it takes none. */
  get textWidth(): number | undefined {
    return textWidthOf(this.#parts.weights)
  }

  /** @internal Compiles the encoder and the common prompt shapes, so that no click waits for it. */
  async warm(
    parts: 'all' | 'decoder',
    { signal, onProgress }: Pick<LoadOptions, 'signal' | 'onProgress'>
  ): Promise<void> {
    const total = this.#parts.weights.names.reduce(
      (n, name) => n + 4 * this.#parts.weights.info(name).shape.reduce((a, b) => a * b, 1),
      0
    )
    const compile = {
      signal,
      onProgress: (loaded: number) => onProgress?.({ phase: 'compile', loaded: Math.min(loaded, total), total })
    }
    if (parts === 'all') await this.#encoder(compile)
    const { text, textWidth } = this
    const withText: readonly PromptSignature[] =
      text && textWidth
        ? [
            { prompts: 1, points: 0, text: textWidth },
            { prompts: 1, points: 2, text: textWidth }
          ]
        : []
    for (const signature of [...common, ...withText]) {
      signal?.throwIfAborted()
      await this.decoder(signature)
    }
    onProgress?.({ phase: 'ready', loaded: total, total })
  }

  /**
   * Runs the image encoder: the expensive part, once an image. Coordinates of prompts and masks are pixels of this
   * image, upright. A bitmap, canvas, video frame or RGBA bytes go to the device as they are where the backend can take
   * them, and are resized there. Throws `InputError` `E_BAD_IMAGE` or `E_IMAGE_TOO_LARGE` for what cannot be decoded,
   * `E_DISPOSED` after `dispose`, and `BackendError` `E_DEVICE_LOST`: then {@link recover}, and encode again.
   */
  async encode(input: ImageInput, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<EncodedImage> {
    this.check()
    signal?.throwIfAborted()
    const encoder = await this.#encoder()
    const { tensor, frame, fingerprint } = await preprocess(input, {
      backend: this.#parts.backend,
      side: this.config.imageSize,
      signal
    })
    try {
      const { image_embedding: embedding } = await encoder.run({ image: tensor }, signal ? { signal } : {})
      return new EncodedImage({ sam: this, frame, embedding, fingerprint, photo: () => readImage(input) })
    } finally {
      if ('dispose' in tensor) tensor.dispose()
    }
  }

  /**
   * After a lost device (`E_DEVICE_LOST`): opens it again and puts the weights back, reading them from the checkpoint.
   * Images encoded before went with the device: encode them again (those that were loaded from a file answer again).
   * Does nothing where nothing was lost. Throws `BackendError` where no device can be had.
   */
  async recover(): Promise<void> {
    this.check()
    await this.#parts.backend.recover?.()
  }

  /**
   * An image whose embedding was saved with {@link EncodedImage.save}. Throws `InputError` `E_BAD_EMBEDDING` when the
   * file is not one, or is of another image encoder, other preprocessing or (when `image` is given) another photo.
   */
  async load(
    bytes: Uint8Array,
    { image, signal }: { image?: ImageInput | undefined; signal?: AbortSignal | undefined } = {}
  ): Promise<EncodedImage> {
    this.check()
    const photo = image === undefined ? undefined : await readImage(image, signal)
    const file = await readEmbedding(bytes, {
      config: this.config,
      encoder: await this.encoderFingerprint(),
      image: photo && (await imageFingerprint(photo))
    })
    const noPhoto = (): never => {
      throw new InputError(
        'E_BAD_OPTION',
        'this needs the photo, and only its embedding was loaded: Sam.load(bytes, { image })'
      )
    }
    return new EncodedImage({
      sam: this,
      frame: frameOf(file, this.config.imageSize),
      embedding: file.embedding,
      fingerprint: async () => file.image,
      photo: async () => photo ?? noPhoto()
    })
  }

  /** @internal The decoder of a prompt shape, in two stages. */
  decoder({ prompts, points, tokens = 0, text = 0, masks = false }: PromptSignature): Promise<Decoder> {
    this.check()
    // Built once per prompt shape: a click must not wait for a graph that is there already.
    const shape = `${prompts} ${points} ${tokens} ${text} ${masks}`
    let decoder = this.#decoders.get(shape)
    if (!decoder) {
      const whole = decodeMasks(this.config, { prompts, points, tokens, text, masks })
      const { early, late } = stage(whole, ['image_embedding'], 'image')
      decoder = Promise.all([this.#compile(early), this.#compile(late)]).then(([perImage, perPrompt]) => ({
        perImage,
        perPrompt
      }))
      this.#decoders.set(shape, decoder)
      decoder.catch(() => this.#decoders.delete(shape))
    }
    return decoder
  }

  /** @internal Throws after {@link dispose}. */
  check(): void {
    if (this.#disposed) throw new InputError('E_DISPOSED', 'this Sam was disposed; load it again')
  }

  /** Frees the compiled graphs and closes the checkpoint. Its images can no longer predict. The backend stays yours. */
  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    for (const compiled of await Promise.allSettled(this.#compiled.values()))
      if (compiled.status === 'fulfilled') compiled.value.dispose()
    await this.#parts.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  #encoder(options?: CompileOptions): Promise<Executable> {
    if (!this.#parts.weights.names.some(name => name.startsWith(encoderNames))) {
      throw new InputError(
        'E_BAD_OPTION',
        'this checkpoint has no image encoder; load saved embeddings with Sam.load, or load a whole checkpoint'
      )
    }
    this.#encoderGraph ??= this.#parts.encoder ?? encodeImage(this.config)
    return this.#compile(this.#encoderGraph, options)
  }

  #compile(graph: Graph, options: CompileOptions = {}): Promise<Executable> {
    this.check()
    const structure = structureOf(graph)
    let compiled = this.#compiled.get(structure)
    if (!compiled) {
      compiled = this.#parts.backend.compile(graph, this.#parts.weights, options)
      this.#compiled.set(structure, compiled)
      compiled.catch(() => this.#compiled.delete(structure)) // an abort must not spoil the next try
    }
    return compiled
  }
}

interface ImageParts {
  readonly sam: Sam
  readonly frame: Frame
  /** On the device after encoding, on the host after loading. */
  readonly embedding: DeviceTensor | HostTensor
  readonly fingerprint: () => Promise<string>
  readonly photo: () => Promise<RgbImage>
}

/** An image whose embedding is ready, on the device: answers prompts, as often as you like, also several at once. */
export class EncodedImage implements Disposable {
  /** Size of the photo, in pixels. */
  readonly width: number
  readonly height: number
  readonly #image: ImageParts
  /** Outputs of each per-image stage that a prompt has needed so far. */
  readonly #stages = new Map<Executable, Promise<Record<string, DeviceTensor>>>()
  #photo: Promise<RgbImage> | undefined
  #disposed = false

  /** @internal Use {@link Sam.encode} or {@link Sam.load}. */
  constructor(image: ImageParts) {
    ;[this.height, this.width] = image.frame.originalSize
    this.#image = image
  }

  /**
   * Masks for a prompt, best first; for a list of prompts, one answer each, all in one decode (a list longer than 64
   * takes several). Throws `InputError` `E_BAD_PROMPT` or `E_DISPOSED`.
   */
  predict(prompt: Prompt, options?: PredictOptions): Promise<Prediction>
  predict(prompts: readonly Prompt[], options?: PredictOptions): Promise<Prediction[]>
  async predict(
    prompts: Prompt | readonly Prompt[],
    { multimask = 'auto', best = false, signal }: PredictOptions = {}
  ): Promise<Prediction | Prediction[]> {
    this.#check()
    signal?.throwIfAborted()
    if (multimask !== 'auto' && typeof multimask !== 'boolean')
      throw new InputError('E_BAD_OPTION', `multimask: must be 'auto', true or false, found ${String(multimask)}`)
    const list = Array.isArray(prompts) ? (prompts as readonly Prompt[]) : [prompts as Prompt]
    const { sam } = this.#image
    const widths = { tokenWidth: sam.config.width, textWidth: sam.textWidth }
    for (const prompt of list) checkPrompt(prompt, this, widths)
    const ready = await embedTexts(list, sam.text, signal)
    const answers: Prediction[] = []
    for (let i = 0; i < ready.length; i += maxPrompts)
      answers.push(...(await this.#decode(ready.slice(i, i + maxPrompts), { multimask, best, signal })))
    return Array.isArray(prompts) ? answers : answers[0]
  }

  /**
   * Masks of everything in the photo, best first, by points in a grid: see {@link EverythingOptions}. Throws
   * `E_BAD_OPTION`, and for `cropLayers` what {@link photo} throws.
   */
  everything(options?: EverythingOptions): Promise<AutomaticMask[]> {
    return segmentEverything(this, options)
  }

  /**
   * What a phrase names, best first, no thing twice; empty when it is not here. See {@link QueryOptions} for the
   * routes.
   *
   * @example
   * const wheels = await image.query('a wheel', { not: ['a headlight'] })
   */
  query(phrase: string, options?: QueryOptions): Promise<Instance[]> {
    return query(this, phrase, options)
  }

  /** What understands words, as given to {@link loadSam}. */
  get text(): TextModel | undefined {
    return this.#image.sam.text
  }

  /** Numbers of the text embedding that the checkpoint takes as a prompt; undefined where it takes none. */
  get textWidth(): number | undefined {
    return this.#image.sam.textWidth
  }

  /**
   * The photo's pixels, read again from what was encoded: keep a bitmap open and pixels unchanged. Throws
   * `E_BAD_OPTION` for an embedding that was loaded without its photo, `E_BAD_IMAGE` for a photo that is gone.
   */
  photo(): Promise<RgbImage> {
    this.#photo ??= this.#image.photo()
    this.#photo.catch(() => {
      this.#photo = undefined
    })
    return this.#photo
  }

  /** @internal A part of the photo, encoded by itself. */
  encodePart(part: RgbImage, signal?: AbortSignal): Promise<EncodedImage> {
    this.#check()
    return this.#image.sam.encode(part, { signal })
  }

  /** The embedding, [1, C, g, g], in host memory. */
  async embedding(): Promise<HostTensor<'f32'>> {
    this.#check()
    const { embedding } = this.#image
    return ('read' in embedding ? await embedding.read() : embedding) as HostTensor<'f32'>
  }

  /**
   * The embedding as one self-describing file, for {@link Sam.load} on this or another machine. An image that was
   * encoded from a bitmap, canvas or frame is looked at again for its fingerprint: keep it open and unchanged until
   * then. Throws `E_BAD_IMAGE` where it was closed.
   */
  async save(): Promise<Uint8Array> {
    const { sam, fingerprint } = this.#image
    const [embedding, image] = await Promise.all([this.embedding(), fingerprint()])
    return writeEmbedding(
      { embedding, width: this.width, height: this.height, image, encoder: (await sam.encoderFingerprint()) ?? '' },
      sam.config
    )
  }

  /** Frees the embedding on the device. Predictions under way finish or fail with `E_DISPOSED`. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    const { embedding } = this.#image
    if ('dispose' in embedding) embedding.dispose()
    for (const staged of this.#stages.values())
      staged.then(
        tensors => Object.values(tensors).forEach(t => t.dispose()),
        () => {}
      )
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  async #decode(
    prompts: readonly ReadyPrompt[],
    { multimask, best, signal }: { multimask: Multimask; best: boolean; signal: AbortSignal | undefined }
  ): Promise<Prediction[]> {
    const { sam, frame } = this.#image
    const { signature, feeds } = encodePrompts(prompts, frame, sam.config)
    const { perImage, perPrompt } = await sam.decoder(signature)
    const image = await this.#stage(perImage)
    this.#check()
    const out = await perPrompt.run({ ...image, ...feeds }, signal ? { signal } : {}).catch((error: unknown) => {
      if (SamError.is(error) && error.code === 'E_DEVICE_LOST') this.#stages.clear() // made again from an embedding that is on the host
      throw error
    })
    try {
      return await readAnswers(out as DecoderOutputs, prompts, { multimask, best, frame })
    } finally {
      for (const tensor of Object.values(out)) tensor.dispose()
    }
  }

  #stage(perImage: Executable): Promise<Record<string, DeviceTensor>> {
    let staged = this.#stages.get(perImage)
    if (!staged) {
      staged = perImage.run({ image_embedding: this.#image.embedding })
      this.#stages.set(perImage, staged)
      staged.catch(() => this.#stages.delete(perImage))
    }
    return staged
  }

  #check(): void {
    this.#image.sam.check()
    if (this.#disposed) throw new InputError('E_DISPOSED', 'this EncodedImage was disposed; encode the photo again')
  }
}
