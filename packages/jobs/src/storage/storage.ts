import { refuse } from '@sam/core/graph'

/**
 * Files by name: a folder on disk, or a prefix of a bucket. Names have `/` between folders and stay inside. All methods
 * throw `JobError` `E_STORAGE` where the storage itself fails, and `InputError` `E_BAD_IMAGE` for a name that leads
 * outside.
 */
export interface Storage {
  /** Absolute: the same on each machine that has it there. */
  readonly location: string
  /** Names below a folder; none where there is no such folder. Hidden files are left out. */
  list(folder: string, signal?: AbortSignal): AsyncIterable<string>
  /** The bytes of a file; undefined where there is none. */
  read(name: string, signal?: AbortSignal): Promise<Uint8Array | undefined>
  has(name: string, signal?: AbortSignal): Promise<boolean>
  /** Writes a file, whole or not at all, unless there is one: then it stays, and the answer is false. */
  create(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean>
  /** Writes a file, whole or not at all, in the place of any that is there. */
  replace(name: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal?: AbortSignal): Promise<void>
  /** Removes a file if it is there. */
  remove(name: string, signal?: AbortSignal): Promise<void>
}

/** A name that stays below a folder. Throws `InputError` `E_BAD_IMAGE`. */
export function inside(name: string): string {
  const parts = name.split(/[/\\]/)
  if (name === '' || name.includes('\0') || /^([/\\]|[a-z]:)/i.test(name) || parts.includes('..'))
    refuse('E_BAD_IMAGE', `${name}: must be a name below the folder of the job, found a path that leads out of it`)
  return name
}
