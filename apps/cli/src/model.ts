import { loadClip, type Clip, type ClipOptions } from '@sam/clip'
import {
  configs,
  loadSam,
  SamError,
  type Backend,
  type LoadOptions,
  type Sam,
  type SamConfig,
  type WeightSource
} from '@sam/core'
import { parseConfig, recognise } from '@sam/core/model'
import { tinyModel } from '@sam/model-tiny'
import { Option, type Command } from 'commander'
import type { CommonOptions, Context } from './context.js'
import { usage } from './failure.js'
import { readInput } from './files.js'
import { wholeNumber } from './numbers.js'
import { bytes } from './text.js'

export interface ModelOptions extends CommonOptions {
  readonly checkpoint?: string
  readonly model?: string
  readonly decoderHeads?: number
  readonly backend: keyof typeof backends
}

/** Where a model can run. Each is loaded when it is asked for. */
const backends = {
  cpu: async (): Promise<Backend> => (await import('@sam/backend-cpu')).cpu(),
  cuda: async (): Promise<Backend> => (await import('@sam/backend-cuda')).cuda(),
  webgpu: async (): Promise<Backend> => (await import('@sam/backend-webgpu')).webgpu()
}

/** Adds `--checkpoint`, `--model`, `--backend` and the common options to a command. */
export const withModelOptions = (command: Command): Command =>
  withCommonOptions(
    command
      .option(
        '--checkpoint <file>',
        "Meta's .pth, safetensors, or a Hugging Face folder (default: the embedded tiny model)"
      )
      .option(
        '--model <name>',
        'vit_b, vit_l, vit_h, or a configuration in a .json file (default: what the checkpoint looks like)'
      )
      .addOption(decoderHeadsOption())
      .addOption(new Option('--backend <name>', 'where to run').choices(Object.keys(backends)).default('cpu'))
  )

/** `--decoder-heads`, for a checkpoint whose file does not determine them. */
export const decoderHeadsOption = (): Option =>
  new Option(
    '--decoder-heads <n>',
    "attention heads of the mask decoder, where neither --model nor the file tells them (Meta's decoders: 8)"
  ).argParser(wholeNumber('--decoder-heads'))

/** Adds `--json` and `--quiet`. */
export const withCommonOptions = (command: Command): Command =>
  command
    .option('--json', 'print one JSON value on stdout, also for an error')
    .option('-q, --quiet', 'no progress on stderr')

/** Loads the model that the options ask for, lets `use` work with it, and frees it. */
export async function withModel<T>(options: ModelOptions, context: Context, use: (sam: Sam) => Promise<T>): Promise<T> {
  return loaded(options, context, { parts: 'all', use })
}

/** The same without the image encoder, for saved embeddings. */
export async function withDecoder<T>(
  options: ModelOptions,
  context: Context,
  use: (sam: Sam) => Promise<T>
): Promise<T> {
  return loaded(options, context, { parts: 'decoder', use })
}

/**
 * The same with the CLIP that reads phrases: `clip`, a folder in Hugging Face's layout, or the embedded one, which only
 * the embedded model goes with.
 */
export async function withWords<T>(
  options: ModelOptions & { readonly clip?: string },
  context: Context,
  use: (sam: Sam) => Promise<T>
): Promise<T> {
  const { checkpoint, clip } = options
  if (checkpoint !== undefined && clip === undefined)
    throw usage(
      '--checkpoint needs a --clip: a folder with the config.json, tokenizer.json and model.safetensors of a CLIP'
    )
  return loaded(options, context, { parts: 'all', clip: clip === undefined ? tinyModel().clip : { model: clip }, use })
}

interface Loading<T> extends Pick<LoadOptions, 'parts'> {
  readonly clip?: Pick<ClipOptions, 'model' | 'crop' | 'background' | 'threshold'>
  readonly use: (sam: Sam) => Promise<T>
}

async function loaded<T>(
  options: ModelOptions & { readonly clip?: string },
  context: Context,
  { parts, clip: choice, use }: Loading<T>
): Promise<T> {
  const { signal } = context
  const progress = context.progress(options)
  const model = await configOf(options.model)
  const embedded = options.checkpoint === undefined ? tinyModel() : undefined
  if (embedded) progress.note(`no --checkpoint: the embedded model, ${embedded.description}`)
  const backend = await backends[options.backend]()
  let clip: Clip | undefined
  try {
    if (choice)
      clip = await progress.step(`loading ${options.clip ?? 'the embedded CLIP'}`, () =>
        loadClip({ ...choice, backend, signal })
      )
    const what = `loading ${options.checkpoint ?? 'the embedded model'} on ${options.backend}`
    const sam = await progress.step(what, tell =>
      loadSam({
        weights: options.checkpoint ?? embedded!.weights,
        backend,
        parts,
        signal,
        model: model ?? embedded?.config,
        decoderHeads: options.decoderHeads,
        text: clip,
        onProgress: ({ loaded, total }) => {
          if (total) tell(`${bytes(loaded)} of ${bytes(total)}`)
        }
      })
    )
    try {
      return await use(sam)
    } finally {
      await sam.dispose()
    }
  } finally {
    await clip?.dispose()
    backend.dispose()
  }
}

/** The configuration of a checkpoint, undefined when it is not a SAM; or what must be given for it to be known. */
export function recognised(
  source: WeightSource,
  { decoderHeads }: { readonly decoderHeads?: number | undefined }
): { readonly config?: SamConfig | undefined; readonly problem?: string } {
  try {
    return { config: recognise(source, { decoderHeads }) }
  } catch (error) {
    if (SamError.is(error) && error.code === 'E_WEIGHTS_MISMATCH') return { problem: error.message }
    throw error
  }
}

/** A configuration by name or from a .json file; undefined when not told. */
export async function configOf(model: string | undefined): Promise<SamConfig | undefined> {
  if (model === undefined) return undefined
  if (model.endsWith('.json')) return parseConfig(new TextDecoder().decode(await readInput(model)), model)
  const known = Object.hasOwn(configs, model) ? configs[model] : undefined
  if (!known)
    throw usage(`--model must be one of ${Object.keys(configs).join(', ')}, or a .json file; found '${model}'`)
  return known
}
