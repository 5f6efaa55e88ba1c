import type { Choice } from '@sam/backend-wasm'
import { SamError, type Backend } from '@sam/core'

/** `undefined`: WebGPU if there is an adapter, else wasm. */
export type Prefer = 'webgpu' | 'wasm' | undefined

export interface OpenedBackend {
  readonly backend: Backend
  /** The chosen backend, and the reason. */
  readonly choice: Choice
}

/**
 * Opens one backend per preference and reuses it, with its device recovered. If no device is available any more
 * (`E_BACKEND_UNAVAILABLE`), opens another backend in its place. Throws what `open` and `recover` throw.
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
      opening.catch(() => opened.delete(prefer)) // the next call retries
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
