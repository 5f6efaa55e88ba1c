import { openWeights, type SamConfig } from '@sam/core'
import { configKey, parseConfig, storedIn, writeFileAtomic, writeSafetensors } from '@sam/core/model'
import {
  memoryWeights,
  f32,
  refuse,
  shown,
  WeightsError,
  match,
  type HostTensor,
  type StoredDType,
  type WeightSource
} from '@sam/core/graph'
import { paramShapes, textWidthIn } from '../pretrained/init.js'

/** A point of a run to resume from: the training state and the iteration. */
export interface Checkpoint {
  readonly iteration: number
  readonly seed: number
  /** Name of the recipe, where the file records it. */
  readonly recipe?: string | undefined
  /** For a SAM: no shape reveals the number of decoder heads, which opening the file as a model needs. */
  readonly config?: SamConfig | undefined
  readonly state: Record<string, HostTensor>
}

/**
 * Writes a checkpoint atomically: one safetensors file with params and moments. Throws `WeightsError`
 * `E_WEIGHTS_IO`.
 */
export async function saveCheckpoint(
  path: string,
  { iteration, seed, recipe, config, state }: Checkpoint
): Promise<void> {
  const metadata = {
    kind,
    iteration: String(iteration),
    seed: String(seed),
    ...(recipe !== undefined && { recipe }),
    ...(config && { [configKey]: JSON.stringify(config) })
  }
  await writeFileAtomic(path, writeSafetensors(state, { metadata }))
}

/** Marks a checkpoint: a model's file records its iteration too. */
const kind = 'checkpoint'

/**
 * Reads a checkpoint. Throws `WeightsError` when the file is missing, damaged, or a model and not a checkpoint.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const source = await openWeights(path)
  try {
    const [iteration, seed] = [Number(source.metadata.iteration), Number(source.metadata.seed)]
    if (
      !Number.isInteger(iteration) ||
      !Number.isInteger(seed) ||
      (source.metadata.kind !== kind && source.metadata[configKey] !== undefined)
    ) {
      throw new WeightsError(
        'E_WEIGHTS_FORMAT',
        `${path} must be a checkpoint of a training run, found a model or another file; pass a model as initial weights`
      )
    }
    const { recipe, [configKey]: config } = source.metadata
    return {
      iteration,
      seed,
      recipe,
      config: config === undefined ? undefined : parseConfig(config, path),
      state: await tensorsOf(source, source.names)
    }
  } finally {
    await source.close()
  }
}

/**
 * The params of a model, as initial weights of a run, with its text projection where it has one. Throws
 * `WeightsMismatchError` where the file does not match `config`.
 */
export async function readParams(source: WeightSource, config: SamConfig): Promise<Record<string, HostTensor>> {
  checkParams(source, config)
  const infos = Object.fromEntries([...source.names].map(name => [name, source.info(name)]))
  return tensorsOf(source, [...paramShapes(config, textWidthIn(infos)).keys()])
}

/**
 * Throws `WeightsMismatchError` unless there is a tensor of the right shape for every param of the model; there may be
 * others (moments).
 */
export function checkParams(source: WeightSource, config: SamConfig): void {
  match(
    [...paramShapes(config)].map(([name, shape]) => ({ name, shape })),
    source,
    { allowUnexpected: true }
  )
}

/**
 * Throws `InputError` `E_BAD_OPTION` where a checkpoint is of a model with another configuration. No shape reveals the
 * number of decoder heads, for example.
 */
export function checkConfig({ config: stored }: Pick<Checkpoint, 'config'>, config: SamConfig, path: string): void {
  const other = stored && difference(stored, JSON.parse(JSON.stringify(config)), 'config')
  if (other !== undefined)
    refuse(
      'E_BAD_OPTION',
      `${path} must be resumed with its model configuration, ${other}; use the run's recipe, or another folder`
    )
}

/** The first value that differs between two JSON values, for messages; undefined where they are equal. */
function difference(stored: unknown, wanted: unknown, path: string): string | undefined {
  if (typeof stored !== 'object' || typeof wanted !== 'object' || stored === null || wanted === null)
    return stored === wanted ? undefined : `${path} ${shown(stored)}, found ${shown(wanted)}`
  for (const key of new Set([...Object.keys(stored), ...Object.keys(wanted)])) {
    const [a, b] = [stored, wanted] as Record<string, unknown>[]
    const found = difference(a[key], b[key], `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

async function tensorsOf(source: WeightSource, names: Iterable<string>): Promise<Record<string, HostTensor>> {
  const tensors: Record<string, HostTensor> = {}
  for (const name of names) tensors[name] = f32(source.info(name).shape, (await source.read(name)).data)
  return tensors
}

export interface ModelOptions {
  readonly config: SamConfig
  /** F16 halves the file and is as accurate. */
  readonly dtype: StoredDType
  /** Further metadata for the file. */
  readonly notes?: Readonly<Record<string, string>>
}

/** The params of a training state, without moments. */
export const modelOf = (state: Readonly<Record<string, HostTensor>>, config: SamConfig): Record<string, HostTensor> =>
  Object.fromEntries([...paramShapes(config, textWidthIn(state)).keys()].map(name => [name, state[name]]))

/** Writes the params under Meta's names, with the configuration: what `loadSam` opens. Written atomically. */
export async function saveModel(
  path: string,
  state: Readonly<Record<string, HostTensor>>,
  { config, dtype, notes = {} }: ModelOptions
): Promise<number> {
  const params = memoryWeights(modelOf(state, config))
  return writeFileAtomic(
    path,
    writeSafetensors(storedIn(params, dtype), { metadata: { ...notes, [configKey]: JSON.stringify(config) } })
  )
}
