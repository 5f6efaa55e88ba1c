import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ExternalData } from '@sam/onnx'

/** Folders that could not be removed yet: some systems lock memory-mapped files. */
const left = new Set<string>()
let watching = false

/**
 * A unique path in the system's temporary folder. `writeExternal` creates its folder, readable by this user only.
 */
export const externalPath = (): string => join(tmpdir(), `sam-onnx-${process.pid}-${randomUUID()}`, 'weights.data')

/** Writes external data one tensor at a time. `onBytes` is called with the number of bytes written. */
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

/** Removes the file of `writeExternal`, now or at process exit. A loaded session keeps its memory mapping. */
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
