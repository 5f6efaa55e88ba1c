import type { Backend, CompileOptions, Executable } from '../backend/backend.js'
import { CompiledGraphs } from '../backend/compiled-graphs.js'
import { refuse } from '../errors.js'
import { paramsOf, type Graph } from '../ir/graph.js'
import { nameOf } from '../ir/value.js'
import { configs, type SamConfig } from '../sam/config.js'
import { decodeMasks, encodeImage, type PromptSignature } from '../sam/graphs.js'
import { recognise } from '../sam/recognise.js'
import { sizeOf } from '../tensor/shape.js'
import type { TextModel } from '../text-search/crop-encoder.js'
import { match } from '../weights/match.js'
import { openWeights, type WeightsLike } from '../weights/open.js'
import type { WeightSource } from '../weights/source.js'
import { CompiledDecoder } from './compiled-decoder.js'
import { encoderNames } from './embedding-file.js'
import { Sam } from './sam.js'
import { checkTextModel, textWidthOf } from './text-projection.js'

export interface LoadOptions {
  /**
   * The checkpoint: Meta's `.pth`, safetensors, or a Hugging Face `SamModel`; a path, URL, Blob, bytes or an open
   * source. Read in ranges, never entirely into memory.
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
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Progress of loading. `loaded` and `total` count bytes of weights; both never decrease, and are equal in the last
 * call.
 */
export interface Progress {
  readonly phase: 'open' | 'compile' | 'ready'
  readonly loaded: number
  readonly total: number
}

/**
 * Opens a checkpoint, checks it against the model and compiles the model on a backend.
 * Throws `WeightsError` if the file is not a SAM or does not match the model (all missing, unexpected and misshapen
 * names in one message), `BackendError` if compilation fails. An abort rejects with the signal's reason and frees
 * everything.
 *
 * @example
 * const sam = await loadSam({ weights: 'sam_vit_b_01ec64.pth', backend: await cpu() })
 * const image = await sam.encode('photo.jpg')
 * const { masks } = await image.predict({ points: [{ x: 500, y: 375 }] })
 */
export async function loadSam(options: LoadOptions): Promise<Sam> {
  const { weights: from, backend, model, decoderHeads, text, parts = 'all', onProgress, signal } = options
  onProgress?.({ phase: 'open', loaded: 0, total: 0 })
  signal?.throwIfAborted()
  const weights = await openWeights(from, { signal })
  const graphs = new CompiledGraphs('Sam', backend, weights)
  const dispose = async (): Promise<void> => {
    await graphs.dispose()
    if (weights !== from) await weights.close() // a source opened by the caller is closed by the caller
  }
  try {
    const config = configOf(weights, model, decoderHeads)
    const encoder = parts === 'all' ? encodeImage(config) : undefined
    checkWeights(config, weights, encoder)
    const textWidth = textWidthOf(weights)
    checkTextModel(text, textWidth)

    const decoder = new CompiledDecoder(config, graphs)
    const compileEncoder = (compile?: CompileOptions): Promise<Executable> => {
      graphs.check()
      if (!weights.names.some(name => name.startsWith(encoderNames)))
        refuse(
          'E_WEIGHTS_MISMATCH',
          'the checkpoint must have an image encoder to encode, found none; load saved embeddings with Sam.load, or a full checkpoint'
        )
      return graphs.get('image encoder', () => encoder ?? encodeImage(config), compile)
    }

    const total = weights.names.reduce((n, name) => n + 4 * sizeOf(weights.info(name).shape), 0)
    if (encoder)
      await compileEncoder({
        signal,
        onProgress: loaded => onProgress?.({ phase: 'compile', loaded: Math.min(loaded, total), total })
      })
    for (const signature of text && textWidth ? [...common, ...commonText(textWidth)] : common) {
      signal?.throwIfAborted()
      await decoder.stages(signature)
    }
    onProgress?.({ phase: 'ready', loaded: total, total })
    return new Sam({ config, backend, weights, text, textWidth, decoder, compileEncoder, dispose })
  } catch (error) {
    await dispose()
    throw error
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
  if (config) return config
  if (model !== undefined)
    refuse(
      'E_BAD_OPTION',
      `model: must be one of ${Object.keys(configs).join(', ')} or a configuration, found '${model}'`
    )
  refuse(
    'E_WEIGHTS_MISMATCH',
    `${weights.label}: the model must be recognisable from the names of its tensors, found ${weights.names.slice(0, 5).join(', ')} …; is this a SAM checkpoint? If so, name it with the option model`
  )
}

/** Checks the model's parameters against the file; one error lists all mismatches. */
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
