import { WeightsError } from '../errors.js'

/**
 * Random access to bytes: a local file, a URL by Range requests, a Blob, memory. Nothing is read before it is asked
 * for.
 */
export interface ByteSource {
  /** What messages call it: a path, a URL, a file name. */
  readonly name: string
  /** Bytes in all. */
  readonly size: number
  /** Absolute path when this is a local file and the path still leads to it: another file may have been put there. */
  readonly path?: string | undefined
  /**
   * Exactly `length` bytes from `offset`, in a buffer of their own.
   * Throws `WeightsError`: `E_WEIGHTS_FORMAT` outside the source, `E_WEIGHTS_IO` when reading fails. An abort rejects
   * with the signal's reason.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  close(): Promise<void>
}

/**
 * Throws `E_WEIGHTS_FORMAT` unless `offset … offset + length` lies inside the source: every reader asks this before it
 * allocates.
 */
export function checkRange({ name, size }: Pick<ByteSource, 'name' | 'size'>, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length)
  if (!whole || offset < 0 || length < 0 || length > size - offset) {
    throw new WeightsError(
      'E_WEIGHTS_FORMAT',
      `${name}: needs ${length} bytes at ${offset}, has ${size} in all; the file is truncated or damaged`
    )
  }
}

/** Bytes already in memory. They are not copied until read. */
export function memoryBytes(data: Uint8Array | ArrayBuffer, name = 'memory'): ByteSource {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data)
  const at = { name, size: bytes.length }
  return {
    ...at,
    async read(offset, length, signal) {
      signal?.throwIfAborted()
      checkRange(at, offset, length)
      return new Uint8Array(bytes.subarray(offset, offset + length))
    },
    async close() {}
  }
}

/** A `Blob` or `File`, read by slices. */
export function blobBytes(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  const at = { name, size: blob.size }
  return {
    ...at,
    async read(offset, length, signal) {
      signal?.throwIfAborted()
      checkRange(at, offset, length)
      const data = await blob
        .slice(offset, offset + length)
        .arrayBuffer()
        .catch((cause: unknown) => {
          throw new WeightsError(
            'E_WEIGHTS_IO',
            `${name}: the browser cannot read it any more; choose the file again`,
            { cause }
          )
        })
      signal?.throwIfAborted()
      return new Uint8Array(data)
    },
    async close() {}
  }
}

/**
 * Answers small reads from aligned blocks of `block` bytes and keeps the last `keep` of them, so that the many short
 * reads of opening a checkpoint become few requests. A read of a block or more goes straight through.
 */
export function readAhead(source: ByteSource, { block = 1 << 18, keep = 16 } = {}): ByteSource {
  const blocks = new Map<number, Promise<Uint8Array>>()

  const blockAt = (index: number): Promise<Uint8Array> => {
    // A shared block is read without the caller's signal: one caller's abort must not fail another's read.
    const found = blocks.get(index) ?? source.read(index * block, Math.min(block, source.size - index * block))
    blocks.delete(index)
    blocks.set(index, found)
    found.catch(() => blocks.delete(index))
    if (blocks.size > keep) blocks.delete(blocks.keys().next().value!)
    return found
  }

  return {
    ...source,
    async read(offset, length, signal) {
      signal?.throwIfAborted()
      checkRange(source, offset, length)
      if (length >= block) return source.read(offset, length, signal)
      const out = new Uint8Array(length)
      for (let done = 0; done < length; ) {
        const index = Math.floor((offset + done) / block)
        const from = offset + done - index * block
        const part = (await blockAt(index)).subarray(from, from + length - done)
        out.set(part, done)
        done += part.length
      }
      signal?.throwIfAborted()
      return out
    },
    close: () => source.close()
  }
}
