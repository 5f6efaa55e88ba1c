import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ExternalData } from '@sam/onnx'

/** Folders that could not be removed yet: a system may hold on to a file that is mapped. */
const left = new Set<string>()
let watching = false

/**
 * A path in the system's temporary folder that nothing has. Its folder is made by `writeExternal`, readable by this user
 * alone.
 */
export const externalPath = (): string => join(tmpdir(), `sam-onnx-${process.pid}-${randomUUID()}`, 'weights.data')

/** Writes external data a tensor at a time. `onBytes` is called with the bytes written. */
export async function writeExternal(
  path: string,
  externalData: ExternalData,
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes: (n: number) => void }
): Promise<void> {
  await mkdir(dirname(path), { mode: 0o700 })
  if (!watching)
    process.once('exit', () => {
      for (const folder of left) remove(folder)
    })
  watching = true
  left.add(dirname(path))
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of externalData.chunks(signal)) {
      await file.writeFile(chunk, { signal })
      onBytes(chunk.length)
    }
  } finally {
    await file.close()
  }
}

/** Removes what `writeExternal` wrote, now or at the process's end. A loaded session has mapped what it needs. */
export async function removeExternal(path: string): Promise<void> {
  await rm(dirname(path), { recursive: true, force: true }).then(
    () => left.delete(dirname(path)),
    () => {}
  )
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    /* the system's own clean-up remains */
  }
}
