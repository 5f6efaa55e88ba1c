import { loadClip, type Clip, type ClipOptions } from '@sam/clip'
import {
  configs,
  loadSam,
  openWeights,
  SamError,
  type Backend,
  type AutomaticMaskOptions,
  type LoadOptions,
  type Sam,
  type SamConfig,
  type WeightSource
} from '@sam/core'
import { parseConfig, recognise } from '@sam/core/model'
import { mobileModel } from '@sam/model-mobile'
import { tinyModel } from '@sam/model-tiny'
import { Option, type Command } from 'commander'
import { backendOption, openBackend, type BackendName } from './backend.js'
import type { CommonOptions, Context } from './context.js'
import { usage } from './failure.js'
import { readInput } from './files.js'
import { wholeNumber } from './numbers.js'
import { bytes, oneLine } from './text.js'

export interface ModelOptions extends CommonOptions, DownloadOption {
  readonly checkpoint?: string
  readonly strict?: boolean
  readonly model?: string
  readonly decoderHeads?: number
  readonly backend?: BackendName
}

/** A model that is installed with `sam`: no checkpoint is needed. */
interface BundledModel {
  readonly weights: LoadOptions['weights']
  readonly config: SamConfig
  readonly description: string
  /** Options of automatic mask generation that suit it. Default: Meta's. */
  readonly automatic?: AutomaticMaskOptions
  /** Closes `weights`. */
  close?(): Promise<void>
}

type BundledName = 'mobile_sam' | 'tiny'

/** The bundled models by their `--model` names. */
const bundledModels: Readonly<Record<BundledName, (signal: AbortSignal) => Promise<BundledModel>>> = {
  mobile_sam: async signal => {
    const model = await mobileModel({ signal })
    return { ...model, close: () => model.weights.close() }
  },
  tiny: async () => tinyModel()
}

/** Weights that a command reads. The caller closes them. */
export interface OpenModel {
  readonly weights: WeightSource
  /** The configuration of a bundled model. */
  readonly config?: SamConfig
}

/** The weights of a bundled model by its name, otherwise of a checkpoint. */
export async function openModel(
  name: string,
  { signal, download }: { readonly signal: AbortSignal; readonly download?: LoadOptions['download'] }
): Promise<OpenModel> {
  if (!Object.hasOwn(bundledModels, name)) return { weights: await openWeights(name, { signal, download }) }
  const { weights, config } = await bundledModels[name as BundledName](signal)
  return { weights: await openWeights(weights, { signal }), config }
}

const bundledNames = Object.keys(bundledModels).join(' or ')

/** Adds `--checkpoint`, `--model`, `--backend` and the common options to a command. */
export const withModelOptions = (command: Command, defaultModel = 'mobile_sam'): Command =>
  withCommonOptions(
    command
      .option(
        '--checkpoint <file>',
        "Meta's .pth, safetensors, a Hugging Face folder, or hf:OWNER/NAME[@REVISION] (default: a bundled model, see --model)"
      )
      .addOption(downloadOption())
      .option('--no-strict', 'load a checkpoint that has tensors the model does not have')
      .option(
        '--model <name>',
        `without --checkpoint: ${bundledNames} (default: ${defaultModel}); with it: vit_b, vit_l, vit_h, or a configuration in a .json file (default: recognised from the checkpoint)`
      )
      .addOption(decoderHeadsOption())
      .addOption(backendOption())
  )

/** `--decoder-heads`, for a checkpoint whose file does not determine them. */
export const decoderHeadsOption = (): Option =>
  new Option(
    '--decoder-heads <n>',
    "attention heads of the mask decoder, where neither --model nor the file gives them (Meta's decoders: 8)"
  ).argParser(wholeNumber('--decoder-heads'))

export interface DownloadOption {
  readonly download?: true
}

/** `--download`, which allows the download of a repository. */
export const downloadOption = (): Option =>
  new Option(
    '--download',
    'download hf:OWNER/NAME, resume, check and keep it in the cache; HF_TOKEN is the token of a private repository, HF_ENDPOINT another hub'
  )

/** How repositories are downloaded, if at all. The variables are those of Hugging Face's own tools. */
export const downloadOf = ({ download }: DownloadOption): LoadOptions['download'] =>
  download && { token: process.env.HF_TOKEN || undefined, host: process.env.HF_ENDPOINT || undefined }

/** Adds `--json` and `--quiet`. */
export const withCommonOptions = (command: Command): Command =>
  command
    .option('--json', 'print one JSON value on stdout, also for an error')
    .option('-q, --quiet', 'no progress on stderr')

/** How a model runs. */
interface Running {
  /** The name of its backend. */
  readonly backend: string
  /** The options of automatic mask generation that suit it. */
  readonly automatic: AutomaticMaskOptions
}

/** Work on a loaded model. */
type Use<T> = (sam: Sam, running: Running) => Promise<T>

/** Loads the model of the options, runs `use` on it, and frees it. */
export async function withModel<T>(options: ModelOptions, context: Context, use: Use<T>): Promise<T> {
  return loaded(options, context, { parts: 'all', use })
}

/** Like `withModel`, without the image encoder, for saved embeddings. */
export async function withDecoder<T>(options: ModelOptions, context: Context, use: Use<T>): Promise<T> {
  return loaded(options, context, { parts: 'decoder', use })
}

/**
 * Like `withModel`, with a CLIP: `clip`, a folder in Hugging Face's layout. Without it, the tiny model with its own
 * CLIP. Throws `E_USAGE` where another model is given no CLIP.
 */
export async function withClip<T>(
  options: ModelOptions & { readonly clip?: string },
  context: Context,
  use: Use<T>
): Promise<T> {
  const { checkpoint, clip, model } = options
  if (clip !== undefined) return loaded(options, context, { parts: 'all', clip: { model: clip }, use })
  if (checkpoint !== undefined)
    throw usage(`--checkpoint needs --clip FOLDER: ${clipFolder}; a SAM with no text projection then uses --route rank`)
  if (model === 'mobile_sam')
    throw usage(`--model mobile_sam has no text projection: give --clip FOLDER, ${clipFolder}, for --route rank`)
  return loaded({ ...options, model: model ?? 'tiny' }, context, { parts: 'all', clip: tinyModel().clip, use })
}

const clipFolder = 'a folder with the config.json, tokenizer.json and model.safetensors of a CLIP'

interface Loading<T> extends Pick<LoadOptions, 'parts'> {
  readonly clip?: Pick<ClipOptions, 'model' | 'crop' | 'background' | 'threshold'>
  readonly use: Use<T>
}

async function loaded<T>(
  options: ModelOptions & { readonly clip?: string },
  context: Context,
  { parts, clip: choice, use }: Loading<T>
): Promise<T> {
  const { signal } = context
  const progress = context.progress(options)
  const model = await configOf(options.model)
  const name = options.checkpoint === undefined ? bundledName(options.model) : undefined
  const bundled = name && (await bundledModels[name](signal))
  let backend: Backend | undefined
  let clip: Clip | undefined
  try {
    if (bundled && options.model === undefined) progress.note(`no --checkpoint: ${bundled.description}`)
    const device = (backend = await openBackend(options.backend, warning => context.terminal.err(`sam: ${warning}\n`)))
    if (choice)
      clip = await progress.step(`loading ${options.clip ?? 'the CLIP of the tiny model'}`, () =>
        loadClip({ ...choice, backend: device, signal })
      )
    const what = `loading ${options.checkpoint ?? name} on ${device.name}`
    const sam = await progress.step(what, tell =>
      loadSam({
        weights: bundled?.weights ?? options.checkpoint!,
        backend: device,
        parts,
        signal,
        model: model ?? bundled?.config,
        decoderHeads: options.decoderHeads,
        text: clip,
        strict: options.strict,
        download: downloadOf(options),
        onProgress: ({ phase, loaded, total }) => {
          if (total) tell(`${phase === 'download' ? 'downloaded ' : ''}${bytes(loaded)} of ${bytes(total)}`)
        }
      })
    )
    if (sam.unusedTensors.length)
      progress.note(
        `not used: ${sam.unusedTensors.length} tensors, ${oneLine(sam.unusedTensors.slice(0, 5).join(', '))}`
      )
    try {
      return await use(sam, { backend: device.name, automatic: bundled?.automatic ?? {} })
    } finally {
      await sam.dispose()
    }
  } finally {
    await clip?.dispose()
    backend?.dispose()
    await bundled?.close?.()
  }
}

/** The bundled model of a `--model` without `--checkpoint`. Throws `E_USAGE` for a model that is not bundled. */
export function bundledName(model = 'mobile_sam'): BundledName {
  if (!Object.hasOwn(bundledModels, model))
    throw usage(
      `--model ${model} needs --checkpoint FILE, its weights; without --checkpoint it must be ${bundledNames}`
    )
  return model as BundledName
}

export interface Recognised {
  readonly config?: SamConfig | undefined
  readonly problem?: string
}

/**
 * The configuration of a checkpoint, undefined where it is not a SAM; or, in `problem`, which option is needed to
 * recognise it.
 */
export function recognised(
  source: WeightSource,
  { decoderHeads }: { readonly decoderHeads?: number | undefined }
): Recognised {
  try {
    return { config: recognise(source, { decoderHeads }) }
  } catch (error) {
    if (SamError.is(error) && error.code === 'E_WEIGHTS_MISMATCH') return { problem: error.message }
    throw error
  }
}

/** The configuration of a checkpoint. Throws `E_USAGE` where it is no SAM, or where an option is needed. */
export function recognisedOrUsage(
  source: WeightSource,
  options: { readonly decoderHeads?: number | undefined }
): SamConfig {
  const { config, problem } = recognised(source, options)
  return config ?? fail(problem ?? `${source.label} must be a SAM; if it is, name its model with --model`)
}

const fail = (message: string): never => {
  throw usage(message)
}

/** Maximum bytes of a configuration file: four for each character that `parseConfig` reads. */
const configLimit = 4 * 65_536

/** A configuration by name or from a .json file; undefined where none is given. */
export async function configOf(model: string | undefined, signal?: AbortSignal): Promise<SamConfig | undefined> {
  if (model === undefined) return undefined
  if (model.endsWith('.json'))
    return parseConfig(new TextDecoder().decode(await readInput(model, { limit: configLimit, signal })), model)
  const known = Object.hasOwn(configs, model) ? configs[model] : undefined
  if (!known)
    throw usage(`--model must be one of ${Object.keys(configs).join(', ')}, or a .json file; found '${model}'`)
  return known
}
