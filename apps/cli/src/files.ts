import { mkdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { SamError } from '@sam/core'
import { writeFileAtomic } from '@sam/core/model'
import { CliError, usage } from './failure.js'

/** Writes a file completely or not at all. */
export async function writeOutput(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal
): Promise<string> {
  try {
    await writeFileAtomic(path, chunks, signal)
  } catch (cause) {
    // Only errors of writing. Errors of the chunks (a damaged checkpoint) pass unchanged.
    if (SamError.is(cause) && cause.code === 'E_WEIGHTS_IO')
      throw new CliError('E_OUTPUT', `cannot write ${cause.message}`, { cause })
    throw cause
  }
  return path
}

/** Makes the output folder, before any other work. */
export async function outputFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError(
      'E_OUTPUT',
      `cannot make the folder ${path}: ${cause.code === 'EEXIST' || cause.code === 'ENOTDIR' ? 'there is a file of that name' : cause.message}`,
      { cause }
    )
  })
  return path
}

/** Throws `E_USAGE` where an output would overwrite an input, also through a link. */
export async function refuseOverwriting(
  outputs: readonly string[],
  inputs: readonly (string | undefined)[]
): Promise<void> {
  const sources = new Set(await Promise.all(inputs.filter(i => i !== undefined).map(real)))
  for (const output of outputs) {
    if (sources.has(await real(output)))
      throw usage(`${output} is read by this command and would be overwritten; choose another name or folder`)
  }
}

/** The absolute path, with links resolved as far as it exists. */
async function real(path: string): Promise<string> {
  return realpath(path).catch(() =>
    dirname(path) === path ? path : real(dirname(resolve(path))).then(folder => join(folder, basename(path)))
  )
}

/** Reads a small file. Throws `E_INPUT`. */
export async function readInput(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError('E_INPUT', `cannot read ${path}: ${cause.code === 'ENOENT' ? 'no such file' : cause.message}`, {
      cause
    })
  })
}

/** A file's name without folder and extension. */
export const stem = (path: string): string => (path === '-' ? 'stdin' : basename(path, extname(path)))
