import type { Choice } from '@sam/backend-wasm'
import { SamError, type Backend } from '@sam/core'

/** `undefined`: WebGPU where there is an adapter, else wasm. */
export type Prefer = 'webgpu' | 'wasm' | undefined

export interface OpenedBackend {
  readonly backend: Backend
  /** What was taken, and why. */
  readonly choice: Choice
}

/**
 * Opens one backend for each preference, and gives the same one again, its device recovered. Where no device can be had
 * any more (`E_BACKEND_UNAVAILABLE`), another backend is opened in its place. Throws what `open` and `recover` throw.
 */
export function sharedBackend(
  open: (prefer: Prefer) => Promise<OpenedBackend>
): (prefer: Prefer) => Promise<OpenedBackend> {
  const opened = new Map<Prefer, Promise<OpenedBackend>>()
  const get = (prefer: Prefer): Promise<OpenedBackend> => {
    let opening = opened.get(prefer)
    if (!opening) {
      opening = open(prefer)
      opened.set(prefer, opening)
      opening.catch(() => opened.delete(prefer)) // the next call tries again
    }
    return opening
  }
  return async prefer => {
    const opening = get(prefer)
    const { backend } = await opening
    try {
      await backend.recover?.()
    } catch (error) {
      if (!SamError.is(error) || error.code !== 'E_BACKEND_UNAVAILABLE') throw error
      if (opened.get(prefer) === opening) opened.delete(prefer)
      return get(prefer)
    }
    return opening
  }
}
