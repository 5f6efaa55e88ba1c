import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { refuse, removeLeftovers } from '@sam/core/graph'
import type { ExternalData } from '@sam/onnx'

/** Folders that could not be removed yet: some systems lock memory-mapped files. */
const left = new Set<string>()
let watching = false

/**
 * A unique path in the system's temporary folder. `writeExternal` creates its folder, readable by this user only.
 */
export const externalPath = (): string => join(tmpdir(), `sam-onnx-${process.pid}-${randomUUID()}`, 'weights.data')

/** The folders of `externalPath`, with the process that made them. */
const externalFolder = /^sam-onnx-(\d+)-[0-9a-f-]{36}$/

/**
 * Writes external data one tensor at a time. `onBytes` is called with the number of bytes written. Removes what killed
 * processes left. Throws `WeightsError` `E_WEIGHTS_IO` if the temporary folder is missing, full or read-only.
 */
export async function writeExternal(
  path: string,
  externalData: ExternalData,
  { signal, onBytes }: { signal?: AbortSignal | undefined; onBytes: (n: number) => void }
): Promise<void> {
  await removeLeftovers(tmpdir(), externalFolder)
  await mkdir(dirname(path), { mode: 0o700 }).catch(failed)
  if (!watching)
    process.once('exit', () => {
      for (const folder of left) remove(folder)
    })
  watching = true
  left.add(dirname(path))
  const file = await open(path, 'wx', 0o600).catch(failed)
  try {
    for await (const chunk of externalData.chunks(signal)) {
      signal?.throwIfAborted()
      await file.writeFile(chunk).catch(failed)
      onBytes(chunk.length)
    }
  } finally {
    await file.close()
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is no folder',
  EACCES: 'cannot be written to',
  EPERM: 'cannot be written to',
  EROFS: 'is read-only',
  ENOSPC: 'is full',
  EDQUOT: 'is full'
}

const failed = (cause: NodeJS.ErrnoException): never =>
  refuse(
    'E_WEIGHTS_IO',
    `onnxruntime reads weights from a file in the temporary folder, and ${tmpdir()} ${reasons[cause.code ?? ''] ?? `failed: ${cause.message}`}; set TMPDIR to another folder`,
    { cause }
  )

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
