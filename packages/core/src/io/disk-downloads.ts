import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Downloads, DownloadsAt, PartialFile } from './downloads.js'
import { reasonOf } from './errno.js'
import { isRunning } from './leftovers.js'
import { cacheFolder } from './cache-folder.js'
import { WeightsError } from '../errors.js'

const failed =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never => {
    throw new WeightsError('E_WEIGHTS_IO', `${path}: ${reasonOf(cause)}`, { cause })
  }

const folderOf = ({ path, cacheDir = cacheFolder('hub') }: DownloadsAt): string =>
  resolve(cacheDir, ...path.map(encodeURIComponent))

/** Folders in a folder of the cache. */
export async function foldersIn(at: DownloadsAt): Promise<readonly string[]> {
  const found = await readdir(folderOf(at), { withFileTypes: true }).catch(() => [])
  return found.filter(entry => entry.isDirectory()).map(entry => decodeURIComponent(entry.name))
}

/** After the name of a file: the process that downloads it, or `free` after an interruption, and a random part. */
const partialName = /^\.(\d+|free)\.[0-9a-f-]{36}\.partial$/
const partialOf = (file: string, owner: string | number): string => `${file}.${owner}.${crypto.randomUUID()}.partial`

/**
 * Downloads on disk. A partial file has its process in its name, so that two processes never write to the same one. One
 * that was left, also by a killed process, is taken over by renaming it, which only one process can do.
 */
export async function openDownloads(at: DownloadsAt): Promise<Downloads> {
  const folder = folderOf(at)

  const find = async (name: string, size?: number): Promise<string | undefined> => {
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined)
    return found?.isFile() && found.size === (size ?? found.size) ? path : undefined
  }

  /** Gives the largest partial file that nobody writes to the name `own`. Without one, nothing has that name. */
  const takeOver = async (name: string, own: string): Promise<void> => {
    const left: { readonly path: string; readonly size: number }[] = []
    for (const entry of await readdir(folder).catch(failed(folder))) {
      const owner = entry.startsWith(name) ? partialName.exec(entry.slice(name.length))?.[1] : undefined
      if (owner === undefined || (owner !== 'free' && isRunning(Number(owner)))) continue
      const path = join(folder, entry)
      const size = (await stat(path).catch(() => undefined))?.size
      if (size !== undefined) left.push({ path, size })
    }
    for (const { path } of left.sort((a, b) => b.size - a.size)) {
      const taken = await rename(path, own).then(
        () => true,
        () => false // by another process
      )
      if (taken) return
    }
  }

  return {
    find,
    async begin(name): Promise<PartialFile> {
      await mkdir(folder, { recursive: true }).catch(failed(folder))
      const final = join(folder, name)
      const own = partialOf(final, process.pid)
      await takeOver(name, own)
      const file = await open(own, 'a+').catch(failed(final))
      let { size } = await file.stat()
      const discard = async (): Promise<void> => {
        await file.close()
        await rm(own, { force: true }).catch(() => {})
      }
      return {
        get size() {
          return size
        },
        async *chunks() {
          for (let at = 0; at < size; ) {
            const { bytesRead, buffer } = await file.read(new Uint8Array(1 << 22), 0, 1 << 22, at).catch(failed(final))
            if (bytesRead === 0) return
            yield buffer.subarray(0, bytesRead)
            at += bytesRead
          }
        },
        async write(chunk) {
          for (let done = 0; done < chunk.length; ) {
            const { bytesWritten } = await file.write(chunk, done).catch(failed(final))
            done += bytesWritten
            size += bytesWritten
          }
        },
        async truncate() {
          await file.truncate(0).catch(failed(final))
          size = 0
        },
        async commit() {
          await file.sync().catch(failed(final))
          await file.close()
          // Windows does not replace a file that is open: another process was faster.
          await rename(own, final).catch(async error => {
            await rm(own, { force: true }).catch(() => {})
            if ((await find(name, size)) === undefined) failed(final)(error as NodeJS.ErrnoException)
          })
          return final
        },
        async close() {
          if (size === 0) return discard()
          await file.close()
          await rename(own, partialOf(final, 'free')).catch(() => {}) // else it is taken over when this process ended
        },
        discard
      }
    }
  }
}
