/**
 * A reader of untrusted bytes. `run` must come back or throw a `SamError`; a broken promise of its own it throws as a
 * plain `Error`.
 */
export interface Target {
  readonly name: string
  readonly corpus: readonly Uint8Array[]
  readonly run: (bytes: Uint8Array) => Promise<void>
}
