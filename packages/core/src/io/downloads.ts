/** The downloaded files of one folder of the cache, and those whose download was interrupted. */
export interface Downloads {
  /** A whole file: its path, in browsers a Blob. Undefined if there is none, or none of this size. */
  find(name: string, size?: number): Promise<string | Blob | undefined>
  /** The largest part of this file that an interrupted download left, else an empty one. */
  begin(name: string, signal?: AbortSignal): Promise<PartialFile>
}

/**
 * A file while it is downloaded. No other process or page writes to it. It ends by `commit`, `close` or `discard`. All
 * throw `WeightsError` `E_WEIGHTS_IO`: no permission, no space.
 */
export interface PartialFile {
  /** Bytes written, also by earlier downloads. */
  readonly size: number
  /** These bytes, from the start. */
  chunks(): AsyncIterable<Uint8Array<ArrayBuffer>>
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void>
  /** Begins again at the first byte. */
  truncate(): Promise<void>
  /** Gives the file its name: from now on, `find` finds it. */
  commit(): Promise<string | Blob>
  /** Leaves what is there to the next download. */
  close(): Promise<void>
  /** Removes it. */
  discard(): Promise<void>
}

/** Where downloads are: names from the outermost folder to the innermost, and in Node the folder that holds them. */
export interface DownloadsAt {
  readonly path: readonly string[]
  /** Default: {@link cacheFolder}. A browser has its own storage. */
  readonly cacheDir?: string | undefined
}
