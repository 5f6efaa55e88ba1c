/** A real disk that can be full, for tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface SmallDisk {
  /** Its folder, as this process sees it. */
  readonly folder: string
  /** Fills it, but for so many KiB. */
  readonly fill: (left?: number) => Promise<void>
  /** Frees what `fill` took. */
  readonly free: () => Promise<void>
  /** Unmounts it. */
  readonly remove: () => void
}

/**
 * Mounts a tmpfs of so many KiB at `path`, in a mount namespace of a process that ends with this one: others read and
 * write it through that process's root. Undefined where mounts are not permitted.
 */
export async function mountSmallDisk(path: string, kib: number): Promise<SmallDisk | undefined> {
  await mkdir(path, { recursive: true })
  const script = `mount -t tmpfs -o size=${kib}k tmpfs "$0" && echo mounted && read line`
  const holder = spawn('unshare', ['--map-root-user', '--mount', 'sh', '-c', script, path], {
    stdio: ['pipe', 'pipe', 'ignore']
  })
  const mounted = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    once(holder, 'exit').then(
      () => false,
      () => false // there is no unshare
    )
  ])
  if (!mounted) return undefined
  const folder = `/proc/${holder.pid}/root${path}`
  const filler = join(folder, 'filler')
  return {
    folder,
    async fill(left = 0) {
      await writeFile(join(folder, 'spare'), new Uint8Array(left * 1024))
      await writeFile(filler, new Uint8Array(kib * 1024)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error
      })
      await rm(join(folder, 'spare'))
    },
    free: () => rm(filler, { force: true }),
    remove: () => void holder.kill()
  }
}
