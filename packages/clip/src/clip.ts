import { openWeights, WeightsError, type Backend, type WeightSource, type Progress } from '@sam/core'
import { checkPhrase, type CropEncoder, type EmbedOptions, type PhraseEncoder } from '@sam/core/model'
import {
  batches,
  checkBackend,
  CompiledGraphs,
  f32,
  readOptions,
  refuse,
  shown,
  sizeOf,
  tensor,
  type DeviceTensor,
  type Executable,
  type Feeds,
  type HostTensor
} from '@sam/core/graph'
import { cropFeeds, type CropFeeds } from './crop-feeds.js'
import type { CropRule } from './crop.js'
import { parseClipConfig, patchGrid, type ClipConfig } from './graph/config.js'
import { encodeText } from './graph/text-model.js'
import { encodeCrops } from './graph/vision-model.js'
import { phraseEncoder, type PhraseOptions } from './phrase-encoder.js'
import { isClipUrls, readClipFolder, type ClipFiles, type ClipUrls } from './folder.js'
import { openTokenizer } from './tokenizer.js'
import { normalized } from './vectors.js'

export interface ClipOptions extends PhraseOptions {
  /**
   * A CLIP in Hugging Face's layout: a folder (a path or `file:` URL in Node, a URL anywhere) with `config.json`,
   * `tokenizer.json` and `model.safetensors`; or three URLs, if the files are not in one folder; or the three files,
   * with the JSON ones parsed.
   */
  readonly model: string | URL | ClipUrls | ClipFiles
  /** Where to run: the backend of the SAM, or another. You dispose of it. */
  readonly backend: Backend
  /** How objects are cropped for comparison with phrases. Default: box enlarged by half, with its surroundings. */
  readonly crop?: Partial<CropRule> | undefined
  /** Background phrases: negatives in every query. Default `background`. */
  readonly background?: readonly string[] | undefined
  /**
   * Default threshold on the text score of queries, if it was measured for these background phrases. Default: that of
   * all encoders.
   */
  readonly threshold?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A CLIP: embeds phrases and objects in one space. */
export interface Clip extends PhraseEncoder, CropEncoder, AsyncDisposable {
  readonly config: ClipConfig
  /**
   * One embedding per crop, of length 1, like `embedCrops`, for crops by `cropFeeds` from any photos, each with its own
   * rule.
   */
  embedCropFeeds(feeds: CropFeeds, options?: EmbedOptions): Promise<readonly Float32Array[]>
  /** Frees the compiled graphs and closes the weights. */
  dispose(): Promise<void>
}

/** Few shapes are compiled: batches of one item or this many, and texts of this many tokens or the full context. */
const [many, shortText] = [8, 16]

/**
 * Loads a CLIP on our own graphs, on any backend. The text encoder is compiled when this returns; the image encoder on
 * first use. Throws `WeightsError` for files that are missing or not of a CLIP, `BackendError` if compilation fails. An
 * abort rejects with the signal's reason.
 *
 * @example
 * const clip = await loadClip({ model: 'clip-vit-base-patch32', backend })
 * const sam = await loadSam({ weights, backend, text: clip })
 */
export async function loadClip(options: ClipOptions): Promise<Clip> {
  const {
    model,
    backend,
    crop,
    background = ['background'],
    threshold,
    onProgress,
    signal,
    ...phrases
  } = checkClipOptions(options)
  signal?.throwIfAborted()
  onProgress?.({ phase: 'open', loaded: 0, total: 0 })
  const files =
    typeof model === 'object' && 'weights' in model && !isClipUrls(model) ? model : await readClipFolder(model, signal)
  const weights = await openWeights(files.weights, { signal })
  const close = async (): Promise<void> => {
    if (weights !== files.weights) await weights.close()
  }
  try {
    const config = parseClipConfig(files.config)
    const tokenize = openTokenizer(files.tokenizer, config.text)
    const scale = await scaleOf(weights, signal)
    const graphs = new CompiledGraphs('CLIP', backend, weights)
    const get: Get = graphs.get.bind(graphs)
    const text = phraseEncoder(
      {
        width: config.projection,
        batch: many,
        checkOpen: () => graphs.check(),
        check: tokenize,
        run: sentences(config, tokenize, get)
      },
      phrases
    )
    let total = 0
    await get(
      'text 1 short',
      () => encodeText(config, { texts: 1, tokens: Math.min(shortText, config.text.context) }),
      {
        signal,
        onProgress: (loaded, all) => onProgress?.({ phase: 'compile', loaded, total: (total = all) })
      }
    )
    onProgress?.({ phase: 'ready', loaded: total, total })

    const rule: CropRule = { grow: 1.5, zeroOutside: false, ...crop }
    const dispose = async (): Promise<void> => {
      await graphs.dispose()
      await close()
    }
    const embedCropFeeds = crops(config, get)
    return {
      config,
      ...text,
      scale,
      background,
      threshold,
      embedCropFeeds,
      dispose,
      [Symbol.asyncDispose]: dispose,
      async embedCrops(photo, masks, options) {
        const found: Float32Array[] = []
        for (const batch of batches(masks, many))
          found.push(
            ...(await embedCropFeeds(
              cropFeeds(
                batch.map(mask => ({ photo, mask, rule })),
                config
              ),
              options
            ))
          )
        return found
      }
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A copy of the options. Throws `InputError` `E_BAD_OPTION`. */
function checkClipOptions(given: ClipOptions): ClipOptions {
  const options = readOptions('loadClip', given, {
    model: true,
    backend: true,
    crop: true,
    background: true,
    threshold: true,
    templates: true,
    cache: true,
    onProgress: true,
    signal: true
  })
  const { model, backend, crop, background = [], threshold = 0 } = options
  const isFiles = typeof model === 'object' && model !== null && (model instanceof URL || 'weights' in model)
  if (!isFiles && (typeof model !== 'string' || model === ''))
    refuse(
      'E_BAD_OPTION',
      `model: must be the folder of a CLIP, a path or URL, or its three files, found ${shown(model)}`
    )
  checkBackend(backend)
  const rule = crop && readOptions('crop', crop, { grow: true, zeroOutside: true })
  if (!((rule?.grow ?? 1) > 0 && (rule?.grow ?? 1) < Infinity))
    refuse('E_BAD_OPTION', `crop: grow must be a number above 0, found ${shown(rule?.grow)}`)
  if (!Array.isArray(background))
    refuse('E_BAD_OPTION', `background: must be an array of phrases, found ${shown(background)}`)
  if (!(threshold >= 0 && threshold <= 1))
    refuse('E_BAD_OPTION', `threshold: must be from 0 to 1, found ${shown(threshold)}`)
  return {
    ...options,
    ...(crop ? { crop: rule } : {}),
    ...(options.background ? { background: background.map(checkPhrase) } : {})
  }
}

/** What similarities are multiplied by: 100 for a CLIP whose file does not tell. Throws `E_WEIGHTS_FORMAT`. */
async function scaleOf(weights: WeightSource, signal: AbortSignal | undefined): Promise<number> {
  if (!weights.has('logit_scale')) return 100
  const { shape } = weights.info('logit_scale')
  const scale = sizeOf(shape) === 1 ? Math.exp((await weights.read('logit_scale', signal)).data[0]) : NaN
  if (Number.isFinite(scale)) return scale
  throw new WeightsError(
    'E_WEIGHTS_FORMAT',
    `${weights.label}: logit_scale must be one finite number, found [${shape.join(',')}]`
  )
}

type Get = CompiledGraphs['get']

const sentences =
  (config: ClipConfig, tokenize: (sentence: string) => readonly number[], get: Get) =>
  async (list: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> => {
    const { context, end } = config.text
    const ids = list.map(tokenize)
    const texts = ids.length === 1 ? 1 : many
    const short = Math.max(...ids.map(row => row.length)) <= shortText
    const tokens = short ? Math.min(shortText, context) : context
    const executable = await get(`text ${texts} ${short ? 'short' : 'long'}`, () =>
      encodeText(config, { texts, tokens })
    )
    const fed = new Int32Array(texts * tokens).fill(end)
    for (const [i, row] of ids.entries()) fed.set(row, i * tokens)
    return rows(await run(executable, { input_ids: tensor('i32', [texts, tokens], fed) }, signal), ids.length)
  }

const crops =
  (config: ClipConfig, get: Get): Clip['embedCropFeeds'] =>
  async ({ pixel_values: pixels, mask_patches: patches }, { signal } = {}) => {
    const [total, most] = [pixels.shape[0], mostCrops(config)]
    const found: Float32Array[] = []
    while (found.length < total) {
      signal?.throwIfAborted()
      const left = total - found.length
      const images = left >= most ? most : left > 1 ? many : 1
      const executable = await get(`image ${images}`, () => encodeCrops(config, { images, masked: true }))
      const feeds = {
        pixel_values: rowsOf(pixels, found.length, images),
        mask_patches: rowsOf(patches, found.length, images)
      }
      found.push(...rows(await run(executable, feeds, signal), Math.min(images, left)).map(normalized))
    }
    return found
  }

/**
 * Crops per run, so that a layer's largest tensor has at most 16 MB: 128 for a tiny CLIP, where the overhead of a run
 * dominates, and 8 for a published one.
 */
const mostCrops = ({ vision }: ClipConfig): number =>
  Math.max(many, 2 ** Math.floor(Math.log2(2 ** 22 / ((patchGrid(vision) ** 2 + 1) * vision.mlpWidth))))

/**
 * `count` rows starting at `from`; missing rows are filled with 1, because a row with an empty mask would divide by
 * zero.
 */
function rowsOf({ data, shape: [rows, ...shape] }: HostTensor<'f32'>, from: number, count: number): HostTensor<'f32'> {
  const size = sizeOf(shape)
  const given = data.subarray(from * size, Math.min(rows, from + count) * size)
  const padded = new Float32Array(count * size).fill(1, given.length)
  padded.set(given)
  return f32([count, ...shape], padded)
}

/** The single output of a run, in host memory. */
async function run(executable: Executable, feeds: Feeds, signal: AbortSignal | undefined): Promise<HostTensor> {
  const [output] = Object.values(await executable.run(feeds, signal ? { signal } : {})) as [DeviceTensor]
  try {
    return await output.read()
  } finally {
    output.dispose()
  }
}

/** The first rows of [B, width]. */
const rows = ({ data, shape: [, width] }: HostTensor, count: number): Float32Array[] =>
  Array.from({ length: count }, (_, i) => Float32Array.from(data.subarray(i * width, (i + 1) * width)))
