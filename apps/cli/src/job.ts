import { dirname, join, resolve } from 'node:path'
import { stat } from 'node:fs/promises'
import { readClipFolder } from '@sam/clip'
import type { AutomaticMaskOptions, Sam } from '@sam/core'
import { digestOf, identityOf, parseJob, weightsDigest, type Job, type JobDescription } from '@sam/jobs'
import { tinyModel } from '@sam/model-tiny'
import { Option } from 'commander'
import type { BackendName } from './backend.js'
import type { CommonOptions, Context } from './context.js'
import { readInput } from './files.js'
import {
  bundledName,
  configOf,
  downloadOf,
  openModel,
  withClip,
  withModel,
  type DownloadOption,
  type ModelOptions
} from './model.js'
import { wholeNumber } from './numbers.js'
import { allowPhotosOnly } from './photo.js'
import { version } from './version.js'

/** How the model of a job runs on this machine; the job says which it is. */
export interface JobOptions extends CommonOptions, DownloadOption {
  readonly backend?: BackendName
}

/** Maximum bytes of a job file. */
const jobLimit = 1 << 22

/** Reads a job file. Paths in it are relative to its folder. Throws `E_INPUT`, `E_BAD_OPTION`. */
export async function readJob(path: string, signal: AbortSignal): Promise<Job> {
  const job = parseJob(new TextDecoder().decode(await readInput(path, { limit: jobLimit, signal })), path)
  const beside = async (file: string): Promise<string> => {
    const there = resolve(dirname(path), file)
    return (await stat(there).catch(() => undefined)) ? there : file
  }
  return {
    ...job,
    ...(job.checkpoint === undefined ? {} : { checkpoint: await beside(job.checkpoint) }),
    ...(job.clip === undefined ? {} : { clip: await beside(job.clip) })
  }
}

const modelOf = ({ model, checkpoint, phrases, clip }: Job): string =>
  model ?? (phrases && !checkpoint && !clip ? 'tiny' : 'mobile_sam')

/** The job with its identity on the weights that this machine has. Reads them all. Throws `WeightsError`. */
export async function describeJob(job: Job, options: JobOptions, { signal }: Context): Promise<JobDescription> {
  const name = job.checkpoint ?? bundledName(modelOf(job))
  const { weights: source } = await openModel(name, { signal, download: downloadOf(options) })
  const weights: string[] = []
  try {
    weights.push(await weightsDigest(source, signal))
  } finally {
    await source.close()
  }
  if (job.phrases)
    weights.push(
      await weightsDigest(
        job.clip === undefined ? tinyModel().clip.model.weights : join(job.clip, 'model.safetensors'),
        signal
      )
    )
  // A bundled model has its own configuration, which the version stands for.
  const config = job.checkpoint === undefined ? undefined : await configOf(job.model, signal)
  const clip = job.clip === undefined ? undefined : await clipDigest(job.clip, signal)
  return { job, identity: identityOf(job, { version, weights, config, clip }) }
}

/** Digest of what a CLIP is besides its weights. */
async function clipDigest(folder: string, signal: AbortSignal): Promise<string> {
  const { config, tokenizer } = await readClipFolder(folder, signal)
  return digestOf({ config, tokenizer })
}

/** The loaded model of a job. */
export interface JobModel {
  readonly sam: Sam
  readonly backend: string
  /** Its defaults of automatic mask generation. */
  readonly automatic: AutomaticMaskOptions
}

/** Loads the model of a job, and runs `use` on it. */
export async function withJobModel<T>(
  job: Job,
  { options, context }: { readonly options: JobOptions; readonly context: Context },
  use: (model: JobModel) => Promise<T>
): Promise<T> {
  const { checkpoint, clip, decoderHeads } = job
  const model = checkpoint === undefined ? modelOf(job) : job.model
  const given: ModelOptions & { clip?: string } = {
    ...options,
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(model === undefined ? {} : { model }),
    ...(clip === undefined ? {} : { clip }),
    ...(decoderHeads === undefined ? {} : { decoderHeads })
  }
  const load = job.phrases ? withClip : withModel
  return load(given, context, async (sam, running) => {
    await allowPhotosOnly()
    return use({ sam, ...running })
  })
}

/** Equal for jobs with the same model. */
export const modelKey = (job: Job): string =>
  JSON.stringify([modelOf(job), job.checkpoint, job.clip, job.decoderHeads, job.phrases !== undefined])

/** `--concurrency`. */
export const concurrencyOption = (): Option =>
  new Option('--concurrency <n>', 'images in work at once: while one is computed, the next is decoded')
    .argParser(wholeNumber('--concurrency', { most: 64 }))
    .default(2)
