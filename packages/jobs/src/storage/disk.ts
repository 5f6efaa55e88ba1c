import { randomUUID } from 'node:crypto'
import { link, lstat, mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { reasonOf, removeLeftovers } from '@sam/core/graph'
import { storageFailed } from '../errors.js'
import { inside, type Storage } from './storage.js'

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Temporary files carry the machine's name, because machines that share a folder reuse process ids. */
const machine = hostname().replace(/[^\w-]/g, '_')
const temporaryName = new RegExp(`^\\.${machine}\\.(\\d+)\\.[\\w-]+\\.tmp$`)

/** A folder, also one that several machines mount. It is made with its first file. */
export function openDisk(folder: string): Storage {
  const location = resolve(folder)
  const pathOf = (name: string): string => join(location, inside(name))

  /** Writes the file under a temporary name, to the disk; `commit` gives it its own. */
  const staged = async <T>(
    name: string,
    { chunks, signal }: { chunks: Chunks; signal: AbortSignal | undefined },
    commit: (temporary: string, path: string) => Promise<T>
  ): Promise<T> => {
    const path = pathOf(name)
    const temporary = join(dirname(path), `.${machine}.${process.pid}.${randomUUID()}.tmp`)
    const failed = writing(path)
    await mkdir(dirname(path), { recursive: true }).catch(failed)
    await removeLeftovers(dirname(path), temporaryName)
    try {
      const file = await open(temporary, 'wx').catch(failed)
      try {
        for await (const chunk of chunks) {
          signal?.throwIfAborted()
          await file.writeFile(chunk).catch(failed)
        }
        await file.sync().catch(failed)
      } finally {
        await file.close()
      }
      return await commit(temporary, path).catch(failed)
    } finally {
      await rm(temporary, { force: true }).catch(() => {})
    }
  }

  return {
    location,
    list: folderName => listBelow(join(location, folderName), folderName),
    async read(name, signal) {
      const path = pathOf(name)
      try {
        return await readFile(path, { signal })
      } catch (cause) {
        signal?.throwIfAborted()
        if (isMissing(cause)) return undefined
        return storageFailed(`cannot read ${path}: ${reasonOf(cause as NodeJS.ErrnoException)}`, cause)
      }
    },
    has: async name => {
      const path = pathOf(name)
      return lstat(path).then(
        () => true,
        (cause: unknown) =>
          isMissing(cause)
            ? false
            : storageFailed(`cannot read ${path}: ${reasonOf(cause as NodeJS.ErrnoException)}`, cause)
      )
    },
    create: (name, bytes, signal) => staged(name, { chunks: [bytes], signal }, createFrom),
    replace: (name, chunks, signal) => staged(name, { chunks, signal }, rename),
    remove: async name => {
      const path = pathOf(name)
      await rm(path, { force: true }).catch(writing(path))
    }
  }
}

/** Gives a file its name unless it is taken. A file system without links may replace a file of the same moment. */
async function createFrom(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
    return true
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(code ?? '')) throw cause
    if (await stat(path).catch(() => undefined)) return false
    await rename(temporary, path)
    return true
  }
}

async function* listBelow(path: string, name: string): AsyncGenerator<string> {
  const folder = await opendir(path).catch((cause: unknown) =>
    isMissing(cause)
      ? undefined
      : storageFailed(`cannot read ${path}: ${reasonOf(cause as NodeJS.ErrnoException)}`, cause)
  )
  if (!folder) return
  for await (const entry of folder) {
    if (entry.name.startsWith('.')) continue
    const below = name === '' ? entry.name : `${name}/${entry.name}`
    if (entry.isDirectory()) yield* listBelow(join(path, entry.name), below)
    else yield below
  }
}

const isMissing = (cause: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')

const writing =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never =>
    storageFailed(`cannot write ${path}: ${reasonOf(cause)}`, cause)
