import { isDeepStrictEqual } from 'node:util'
import { refuse } from '@sam/core/graph'
import { JobError, storageFailed } from './errors.js'
import { canonical, digestOf, type Identity } from './identity.js'
import type { Job } from './job.js'
import { recordBytes, type FailureRecord, type ImageRecord } from './record.js'
import type { Storage } from './storage/storage.js'
import type { Task } from './task.js'

const jobName = 'job.json'
const recordFolder = 'records'
const failureFolder = 'failures'

/** What `job.json` of a results folder holds. */
export interface JobDescription {
  readonly job: Job
  readonly identity: Identity
}

/** The description in a results folder; undefined where there is none. Throws `JobError` `E_STORAGE`. */
export async function readDescription(storage: Storage, signal?: AbortSignal): Promise<JobDescription | undefined> {
  const bytes = await storage.read(jobName, signal)
  if (!bytes) return undefined
  try {
    const { job, identity } = JSON.parse(new TextDecoder().decode(bytes)) as JobDescription
    if (typeof job === 'object' && typeof identity === 'object') return { job, identity }
  } catch {
    // reported below
  }
  return storageFailed(
    `${storage.location}: ${jobName} must describe a job; if it is of something else, use another folder`
  )
}

/**
 * The results of one job: a file for each image, under the image's key. Any number of processes and machines may write
 * them at once: a record appears whole, is written once, and never changes.
 */
export class Results {
  private constructor(
    readonly storage: Storage,
    /** Digest of the job's identity. */
    readonly digest: string
  ) {}

  /**
   * Opens a folder for a job, or continues there. Throws `JobError` `E_OTHER_JOB` where it has the results of another:
   * other settings, weights or another version.
   */
  static async open(storage: Storage, description: JobDescription, signal?: AbortSignal): Promise<Results> {
    const text = JSON.stringify(JSON.parse(canonical(description)), null, 2)
    await storage.create(jobName, new TextEncoder().encode(`${text}\n`), signal)
    const found = await readDescription(storage, signal)
    if (!found) return storageFailed(`${storage.location}: ${jobName} was removed; run the job again`)
    if (digestOf(found.identity) !== digestOf(description.identity))
      throw new JobError(
        'E_OTHER_JOB',
        `${storage.location}: must hold results of this job, found those of one with ${different(found.identity, description.identity)}; use another folder for the results`
      )
    return new Results(storage, digestOf(description.identity))
  }

  has({ key }: Task, signal?: AbortSignal): Promise<boolean> {
    return this.storage.has(recordName(key), signal)
  }

  /** Keys of all images with a record. */
  recorded(signal?: AbortSignal): Promise<Set<string>> {
    return this.#keys(recordFolder, signal)
  }

  /** Keys of the images that failed. */
  failed(signal?: AbortSignal): Promise<Set<string>> {
    return this.#keys(failureFolder, signal)
  }

  /** Writes the record of an image; false where another process wrote it first. */
  async add(record: ImageRecord, signal?: AbortSignal): Promise<boolean> {
    const isNew = await this.storage.create(recordName(record.key), recordBytes(record), signal)
    await this.storage.remove(failureName(record.key), signal)
    return isNew
  }

  /** Writes why an image has no record. */
  async fail(failure: FailureRecord, signal?: AbortSignal): Promise<void> {
    await this.storage.replace(failureName(failure.key), [recordBytes(failure)], signal)
  }

  /** The record of an image, else its failure, else undefined. */
  async read({ key }: Pick<Task, 'key'>, signal?: AbortSignal): Promise<ImageRecord | FailureRecord | undefined> {
    const bytes =
      (await this.storage.read(recordName(key), signal)) ?? (await this.storage.read(failureName(key), signal))
    if (!bytes) return undefined
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as ImageRecord | FailureRecord
    } catch (cause) {
      return storageFailed(
        `${this.storage.location}: ${recordName(key)} is damaged; delete it, and run the job again`,
        cause
      )
    }
  }

  async #keys(folder: string, signal: AbortSignal | undefined): Promise<Set<string>> {
    const keys = new Set<string>()
    for await (const name of this.storage.list(folder, signal)) {
      const [, key] = /\/([0-9a-f]{32})\.json$/.exec(name) ?? []
      if (key) keys.add(key)
    }
    return keys
  }
}

export const isFailure = (record: ImageRecord | FailureRecord): record is FailureRecord => 'error' in record

/** 256 folders, because a folder with millions of files is slow. */
const recordName = (key: string): string => `${recordFolder}/${key.slice(0, 2)}/${key}.json`
const failureName = (key: string): string => `${failureFolder}/${key}.json`

function different(there: Identity, here: Identity): string {
  if (there.version !== here.version) return `version ${there.version} (this is ${here.version})`
  if (!isDeepStrictEqual(there.weights, here.weights)) return 'other weights'
  const names = new Set([...Object.keys(there.settings), ...Object.keys(here.settings)])
  const name = [...names].find(key => {
    const at = key as keyof Identity['settings']
    return canonical(there.settings[at] ?? null) !== canonical(here.settings[at] ?? null)
  })
  return name === undefined ? refuse('E_BAD_OPTION', 'the identities must differ') : `other settings of '${name}'`
}
