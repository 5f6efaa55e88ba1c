import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { SideData } from '@sam/onnx'

/** Folders that could not be removed yet: a system may hold on to a file that is mapped. */
const left = new Set<string>()
let watching = false

/**
 * A path in the system's temporary folder that nothing has. Its folder is made by `writeSide`, readable by this user
 * alone.
 */
export const sidePath = (): string => join(tmpdir(), `sam-onnx-${process.pid}-${randomUUID()}`, 'side.data')

/** Writes side data a tensor at a time. `onBytes` is told what was written. */
export async function writeSide(
  path: string,
  side: SideData,
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
    for await (const chunk of side.chunks(signal)) {
      await file.writeFile(chunk, { signal })
      onBytes(chunk.length)
    }
  } finally {
    await file.close()
  }
}

/** Removes what `writeSide` wrote, now or at the process's end. A loaded session has mapped what it needs. */
export async function removeSide(path: string): Promise<void> {
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
