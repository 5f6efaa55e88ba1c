import { refuse, shown } from '../errors.js'
import type { Backend } from './backend.js'

/** Throws `InputError` `E_BAD_OPTION` unless this is a backend; the message says what was forgotten. */
export function checkBackend(backend: unknown): asserts backend is Backend {
  const { compile, keeps } = (backend ?? {}) as Partial<Backend>
  if (typeof compile === 'function' && typeof keeps === 'function') return
  const found =
    backend === undefined
      ? 'none'
      : typeof backend === 'function'
        ? `a function; call it and await the result: backend: await ${backend.name || 'cpu'}()`
        : shown(backend)
  refuse('E_BAD_OPTION', `backend: must be a backend, such as await cpu() of @sam/backend-cpu, found ${found}`)
}
