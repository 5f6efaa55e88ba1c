import type { Backend, CompileOptions, Executable } from '../backend/backend.js'
import { checkBackend } from '../backend/check-backend.js'
import { CompiledGraphs } from '../backend/compiled-graphs.js'
import { refuse, SamError, shown } from '../errors.js'
import { paramsOf, type Graph } from '../ir/graph.js'
import { nameOf } from '../ir/value.js'
import { readOptions } from '../options.js'
import { configs, type SamConfig } from '../sam/config.js'
import { decodeMasks, encodeImage, type PromptSignature } from '../sam/graphs.js'
import { parseConfig } from '../sam/parse-config.js'
import { recognise } from '../sam/recognise.js'
import { sizeOf } from '../tensor/shape.js'
import type { TextModel } from '../text-search/crop-encoder.js'
import type { DownloadOptions } from '../weights/hub.js'
import { match } from '../weights/match.js'
import { openWeights, type WeightsLike } from '../weights/open.js'
import type { WeightSource } from '../weights/source.js'
import { CompiledDecoder } from './compiled-decoder.js'
import { encoderNames } from './embedding-file.js'
import { Sam } from './sam.js'
import { checkTextModel, textWidthOf } from './text-projection.js'

export interface LoadOptions {
  /**
   * The checkpoint: Meta's `.pth`, safetensors, or a Hugging Face `SamModel`; a path, URL, Blob, bytes, an open source,
   * or `hf:owner/name` with the option `download`. Read in ranges, never entirely into memory.
   */
  readonly weights: WeightsLike
  /**
   * Where to run: `await cpu()`, `await cuda()`, `await webgpu()`. Several models can share it. You dispose of it.
   */
  readonly backend: Backend
  /** `vit_b`, `vit_l`, `vit_h`, or a configuration. Default: recognised from the file. */
  readonly model?: string | SamConfig | undefined
  /** Attention heads of the mask decoder, needed if neither `model` nor the file gives them: see {@link recognise}. */
  readonly decoderHeads?: number | undefined
  /**
   * The text encoder: `await loadClip(…)` or `await clipText(…)` of `@sam/clip`. Several models can share it. You
   * dispose of it.
   */
  readonly text?: TextModel | undefined
  /** `decoder` does not load the image encoder: for prompts on saved embeddings. Default `all`. */
  readonly parts?: 'all' | 'decoder' | undefined
  /**
   * `false` also loads a checkpoint that has tensors the model does not have: `sam.unusedTensors` lists them. Tensors
   * that are missing or have another shape are always an error. Default `true`.
   */
  readonly strict?: boolean | undefined
  /**
   * For `hf:owner/name`: allows the download of this repository and keeps it, so that the next load makes at most one
   * small request, with a commit as `revision` none. Default: no download.
   */
  readonly download?: boolean | DownloadOptions | undefined
  /** For weights at a URL, and downloads: see `openWeights`. */
  readonly timeout?: number | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Progress of loading, in bytes: `download` of those that are downloaded (a `total` of 0 is unknown), `compile` of
 * weights as f32. Within a phase both never decrease; they are equal in the last call.
 */
export interface Progress {
  readonly phase: 'open' | 'download' | 'compile' | 'ready'
  readonly loaded: number
  readonly total: number
}

/**
 * Opens a checkpoint, checks it against the model and compiles the model on a backend.
 * Throws `WeightsError` if the file is not a SAM or does not match the model (all missing, unexpected and misshapen
 * names in one message) or cannot be read or downloaded, `InputError` `E_BAD_OPTION` for options, `BackendError` if
 * compilation fails. An abort rejects with the signal's reason and frees everything; a download is resumed next time.
 *
 * @example
 * const sam = await loadSam('sam_vit_b_01ec64.pth', { backend: await cpu() })
 * const image = await sam.encode('photo.jpg')
 * const { masks } = await image.predict({ points: [{ x: 500, y: 375 }] })
 * image.dispose()
 * await sam.dispose()
 */
export function loadSam(weights: WeightsLike, options: Omit<LoadOptions, 'weights'>): Promise<Sam>
export function loadSam(options: LoadOptions): Promise<Sam>
export async function loadSam(first: LoadOptions | WeightsLike, rest?: Omit<LoadOptions, 'weights'>): Promise<Sam> {
  const isAddress = typeof first === 'string' || first instanceof URL
  const checked = checkLoadOptions(
    rest !== undefined || isAddress ? { ...rest!, weights: first as WeightsLike } : (first as LoadOptions)
  )
  const { weights: from, backend, model, decoderHeads, text, parts = 'all', strict = true } = checked
  const { download, timeout, onProgress, signal } = checked
  onProgress?.({ phase: 'open', loaded: 0, total: 0 })
  signal?.throwIfAborted()
  const weights = await openWeights(from, {
    signal,
    timeout,
    download,
    onProgress: ({ loaded, total }) => onProgress?.({ phase: 'download', loaded, total })
  })
  const graphs = new CompiledGraphs('Sam', backend, weights)
  const dispose = async (): Promise<void> => {
    await graphs.dispose()
    if (weights !== from) await weights.close() // a source opened by the caller is closed by the caller
  }
  try {
    const config = configOf(weights, model, decoderHeads)
    const encoder = parts === 'all' ? encodeImage(config) : undefined
    const unusedTensors = checkWeights(weights, { config, encoder, strict })
    const textWidth = textWidthOf(weights)
    checkTextModel(text, textWidth)

    const decoder = new CompiledDecoder(config, graphs)
    const compileEncoder = (images: number, compile?: CompileOptions): Promise<Executable> => {
      graphs.check()
      if (!weights.names.some(name => name.startsWith(encoderNames)))
        refuse(
          'E_WEIGHTS_MISMATCH',
          'the checkpoint must have an image encoder to encode, found none; load saved embeddings with Sam.load, or a full checkpoint'
        )
      const build = (): Graph => (images === 1 && encoder) || encodeImage(config, { images })
      return graphs.get(`encoder of ${images} images`, build, compile)
    }

    const total = weights.names.reduce((n, name) => n + 4 * sizeOf(weights.info(name).shape), 0)
    if (encoder)
      await compileEncoder(1, {
        signal,
        onProgress: loaded => onProgress?.({ phase: 'compile', loaded: Math.min(loaded, total), total })
      })
    for (const signature of text && textWidth ? [...common, ...commonText(textWidth)] : common) {
      signal?.throwIfAborted()
      await decoder.stages(signature)
    }
    onProgress?.({ phase: 'ready', loaded: total, total })
    return new Sam({ config, backend, weights, unusedTensors, text, textWidth, decoder, compileEncoder, dispose })
  } catch (error) {
    await dispose()
    throw error
  }
}

/** The options as a copy. Throws `E_BAD_OPTION` for what is wrong without looking at the checkpoint. */
function checkLoadOptions(given: LoadOptions): LoadOptions {
  if (given === undefined)
    refuse('E_BAD_OPTION', 'loadSam: must have options, found none: loadSam({ weights, backend: await cpu() })')
  const options = readOptions('loadSam', given, {
    weights: true,
    backend: true,
    model: true,
    decoderHeads: true,
    text: true,
    parts: true,
    strict: true,
    download: true,
    timeout: true,
    onProgress: true,
    signal: true
  })
  const { weights, backend, model, decoderHeads, text, parts = 'all', strict = true } = options
  if (weights === undefined)
    refuse('E_BAD_OPTION', 'weights: must be a path, URL, Blob, bytes or an open source of a checkpoint, found none')
  checkBackend(backend)
  const isConfig = typeof model === 'object' && model !== null && !Array.isArray(model)
  if (model !== undefined && !isConfig && !(typeof model === 'string' && Object.hasOwn(configs, model)))
    refuse(
      'E_BAD_OPTION',
      `model: must be one of ${Object.keys(configs).join(', ')} or a configuration, found ${shown(model)}`
    )
  if (decoderHeads !== undefined && !(Number.isInteger(decoderHeads) && decoderHeads > 0))
    refuse('E_BAD_OPTION', `decoderHeads: must be a whole number from 1, found ${shown(decoderHeads)}`)
  if (text !== undefined && (typeof text?.embed !== 'function' || !Number.isInteger(text.width)))
    refuse('E_BAD_OPTION', `text: must be a text encoder, such as await loadClip(…) of @sam/clip, found ${shown(text)}`)
  if (parts !== 'all' && parts !== 'decoder')
    refuse('E_BAD_OPTION', `parts: must be 'all' or 'decoder', found ${shown(parts)}`)
  if (typeof strict !== 'boolean') refuse('E_BAD_OPTION', `strict: must be true or false, found ${shown(strict)}`)
  return isConfig ? { ...options, model: copyConfig(model) } : options
}

/** A checked copy of a configuration; that of a custom encoder is the caller's. */
function copyConfig(model: SamConfig): SamConfig {
  const { imageEncoder, decoder } = model
  if (imageEncoder && 'encode' in imageEncoder) return { ...model, decoder: { ...decoder } }
  try {
    return parseConfig(JSON.stringify(model), 'model')
  } catch (cause) {
    return refuse('E_BAD_OPTION', SamError.is(cause) ? cause.message : `model: must be plain data (${String(cause)})`, {
      cause
    })
  }
}

/** Prompt shapes compiled in advance: a click, and a click with a box, each with and without a mask to refine. */
const common: readonly PromptSignature[] = [
  { prompts: 1, points: 2 },
  { prompts: 1, points: 4 },
  { prompts: 1, points: 4, masks: true }
]

/** Additional shapes for models with text prompts: a text, and a text with a click. */
const commonText = (text: number): readonly PromptSignature[] => [
  { prompts: 1, points: 0, text },
  { prompts: 1, points: 2, text }
]

function configOf(weights: WeightSource, model: LoadOptions['model'], decoderHeads: number | undefined): SamConfig {
  if (typeof model === 'object') return model
  const config = model === undefined ? recognise(weights, { decoderHeads }) : configs[model]
  return (
    config ??
    refuse(
      'E_WEIGHTS_MISMATCH',
      `${weights.label}: the model must be recognisable from the names of its tensors, found ${weights.names.slice(0, 5).join(', ')} …; is this a SAM checkpoint? If so, name it with the option model`
    )
  )
}

/**
 * Checks the model's parameters against the file; one error lists all mismatches. Returns the names in the file that
 * are not of the model, sorted.
 */
function checkWeights(
  weights: WeightSource,
  {
    config,
    encoder,
    strict
  }: { readonly config: SamConfig; readonly encoder: Graph | undefined; readonly strict: boolean }
): readonly string[] {
  const graphs = [
    decodeMasks(config, { prompts: 1, points: 1, masks: true, text: textWidthOf(weights) ?? 0 }),
    ...(encoder ? [encoder] : [])
  ]
  const wanted = new Map(graphs.flatMap(paramsOf).map(p => [nameOf(p)!, p.shape]))
  const isOfEncoder = (name: string): boolean => !encoder && name.startsWith(encoderNames)
  match(
    [...wanted].map(([name, shape]) => ({ name, shape })),
    weights,
    {
      allowUnexpected: name => !strict || isOfEncoder(name),
      extraHint: 'If they can be left out, load the checkpoint with strict: false (--no-strict on the command line).',
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
  return weights.names.filter(name => !wanted.has(name) && !isOfEncoder(name)).sort()
}
