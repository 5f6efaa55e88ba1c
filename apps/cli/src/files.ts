import { createHash } from 'node:crypto'
import { access, constants, mkdir, open, readFile, realpath, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { rmSync } from 'node:fs'
import { SamError } from '@sam/core'
import { reasonOf } from '@sam/core/graph'
import { stageFile, type StagedFile } from '@sam/core/model'
import { CliError, usage } from './failure.js'

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Writes one result of a run. The file appears under its name when the run's results are whole. */
export type WriteResult = (path: string, chunks: Chunks) => Promise<void>

/**
 * Writes the results of one run: all of them, or none where `work` throws or the signal aborts. `folder` is made when
 * its first file is written, and then holds the results of this run alone: unchanged files of an earlier run that this
 * one does not replace are removed. Other files stay. `work` may also write files elsewhere. Throws `E_OUTPUT`.
 */
export async function writeResults<T>(
  folder: string | undefined,
  work: (write: WriteResult) => Promise<T>,
  signal: AbortSignal
): Promise<T> {
  const staged: StagedFile[] = []
  const hashes: Record<string, string> = {}
  let made: readonly string[] = []
  try {
    const result = await work(async (path, chunks) => {
      const name = folder === undefined ? undefined : nameIn(folder, path)
      if (name !== undefined) made = [...made, ...(await makeFolder(dirname(path)))]
      await refuseFolder(path)
      const hash = name === undefined ? undefined : createHash('sha256')
      staged.push(await stage(path, hash ? hashed(chunks, hash) : chunks, signal))
      if (hash) hashes[name!] = hash.digest('hex')
    })
    if (folder === undefined || Object.keys(hashes).length === 0) commitAll(staged)
    else {
      const stale = await unchangedResults(folder, hashes)
      // The list is committed first: if the process is killed here, the next run knows the files of both.
      const list = new TextEncoder().encode(`${JSON.stringify({ files: { ...stale, ...hashes } }, null, 2)}\n`)
      staged.unshift(await stage(join(folder, listName), [list], signal))
      commitAll(staged)
      for (const name of Object.keys(stale)) rmSync(join(folder, name), { force: true })
    }
    return result
  } catch (error) {
    await Promise.all(staged.map(file => file.discard()))
    // Innermost first; a folder that holds anything stays.
    for (const path of [...made].reverse()) await rmdir(path).catch(() => {})
    throw error
  }
}

/** The list of the results in a folder: their names and SHA-256. */
const listName = '.sam-results.json'
const listLimit = 1 << 24

/** Without a pause in which a signal could be handled, so that Ctrl-C comes before or after. */
function commitAll(staged: readonly StagedFile[]): void {
  try {
    for (const file of staged) file.commit()
  } catch (cause) {
    throw outputError(cause)
  }
}

/** Results of an earlier run that are not replaced and still as they were written: a changed file is the user's. */
async function unchangedResults(
  folder: string,
  replaced: Readonly<Record<string, string>>
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, hash] of Object.entries(await listedResults(folder))) {
    const path = join(folder, name)
    if (Object.hasOwn(replaced, name) || nameIn(folder, path) !== name) continue
    if (typeof hash === 'string' && (await hashOf(path)) === hash) found[name] = hash
  }
  return found
}

async function listedResults(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, listName)
  try {
    if ((await stat(path)).size > listLimit) return {}
    const { files } = JSON.parse(await readFile(path, 'utf8')) as { files?: Record<string, unknown> }
    return typeof files === 'object' && files !== null ? files : {}
  } catch {
    return {}
  }
}

async function hashOf(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => undefined)
  try {
    if (!(await file?.stat())?.isFile()) return undefined
    const hash = createHash('sha256')
    for await (const chunk of file!.createReadStream({ autoClose: false })) hash.update(chunk as Buffer)
    return hash.digest('hex')
  } finally {
    await file?.close()
  }
}

async function* hashed(chunks: Chunks, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

/** The name of a path inside a folder, with slashes; undefined where it is not inside. */
function nameIn(folder: string, path: string): string | undefined {
  const name = relative(folder, path)
  return name === '' || isAbsolute(name) || name.split(sep)[0] === '..' ? undefined : name.replaceAll(sep, '/')
}

/** Writes a file completely or not at all. */
export async function writeOutput(path: string, chunks: Chunks, signal: AbortSignal): Promise<string> {
  await writeResults(undefined, write => write(path, chunks), signal)
  return path
}

const stage = (path: string, chunks: Chunks, signal: AbortSignal): Promise<StagedFile> =>
  stageFile(path, chunks, signal).catch((cause: unknown) => {
    throw outputError(cause)
  })

/** Only errors of writing. Errors of the chunks (a damaged checkpoint) pass unchanged. */
const outputError = (cause: unknown): unknown =>
  SamError.is(cause) && cause.code === 'E_WEIGHTS_IO'
    ? new CliError('E_OUTPUT', `cannot write ${cause.message}`, { cause })
    : cause

async function refuseFolder(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    throw new CliError('E_OUTPUT', `cannot write ${path}: there is a folder of that name`)
}

/** Makes the output folder, before any other work. Returns its path. */
export async function outputFolder(path: string): Promise<string> {
  await makeFolder(path)
  return path
}

/** Makes a folder with its parents. Returns those that were not there, outermost first. */
async function makeFolder(path: string): Promise<readonly string[]> {
  const first = await mkdir(path, { recursive: true }).catch(noFolder(path))
  if (first === undefined) return []
  const made: string[] = []
  for (let each = resolve(path); each.length >= resolve(first).length; each = dirname(each)) made.unshift(each)
  return made
}

/** Throws `E_OUTPUT` where a folder cannot be made or written to; makes nothing. For before a long computation. */
export async function checkOutputFolder(path: string): Promise<void> {
  const there = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') noFolder(path)(cause)
  })
  if (there === undefined) return dirname(path) === path ? undefined : checkOutputFolder(dirname(resolve(path)))
  if (!there.isDirectory()) noFolder(path)(Object.assign(new Error('not a folder'), { code: 'ENOTDIR' }))
  await access(path, constants.W_OK | constants.X_OK).catch(noFolder(path))
}

const noFolder =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never => {
    const isFile = cause.code === 'EEXIST' || cause.code === 'ENOTDIR'
    const why = isFile ? 'there is a file of that name' : reasonOf(cause)
    throw new CliError('E_OUTPUT', `cannot write to the folder ${path}: ${why}`, { cause })
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

/** Maximum bytes of a file that is read whole. */
const inputLimit = 2 ** 29

/** Reads a file whole, at most `limit` bytes. Throws `E_INPUT`. */
export async function readInput(
  path: string,
  { limit = inputLimit, signal }: { limit?: number; signal?: AbortSignal | undefined } = {}
): Promise<Uint8Array> {
  const fail = (why: string, cause?: unknown): never => {
    throw new CliError('E_INPUT', `cannot read ${path}: ${why}`, { cause })
  }
  const failed = (cause: NodeJS.ErrnoException): never => {
    signal?.throwIfAborted()
    return fail(cause.code === 'ENOENT' ? 'no such file' : cause.message, cause)
  }
  // Checked before it is opened: opening a pipe waits for its other end.
  const found = await stat(path).catch(failed)
  if (!found.isFile()) fail(`it must be a file, found ${found.isDirectory() ? 'a folder' : 'a device or pipe'}`)
  if (found.size > limit) fail(`it must have at most ${limit} bytes, found ${found.size}`)
  return readFile(path, { signal }).catch(failed)
}

/** The same chunks; `tell` gets the bytes so far after each. */
export async function* counted(chunks: Chunks, tell: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of chunks) {
    yield chunk
    tell((done += chunk.length))
  }
}

/** A file's name without folder and extension. */
export const stem = (path: string): string => (path === '-' ? 'stdin' : basename(path, extname(path)))
