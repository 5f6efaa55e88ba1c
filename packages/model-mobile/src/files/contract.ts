import type { ByteSource } from '@sam/core/graph'

/** A file that was read once, and its hash. */
export interface HashedFile {
  readonly source: ByteSource
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

export interface FileOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes as they arrive. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}
