/** A file that is whole on the disk, under a temporary name beside its own. */
export interface StagedFile {
  readonly path: string
  readonly size: number
  /** Gives the file its name, replacing another of that name. Throws `E_WEIGHTS_IO`. */
  commit(): void
  /** Removes it, unless it was committed. */
  discard(): Promise<void>
}
