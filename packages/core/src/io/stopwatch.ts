import { refuse, shown } from '../errors.js'

/** How long a server may send nothing, in milliseconds. */
export const defaultTimeout = 60_000

/** Throws `E_BAD_OPTION`. */
export function checkTimeout(timeout: number): void {
  if (!(timeout > 0)) refuse('E_BAD_OPTION', `timeout must be milliseconds above 0, found ${shown(timeout)}`)
}

/** Aborts when `stop` does, or when `milliseconds` pass without `again()`. `end` stops it. */
export function stopwatch(milliseconds: number, stop: AbortSignal | undefined) {
  stop?.throwIfAborted()
  const controller = new AbortController()
  let late = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = (): void => {
    clearTimeout(timer)
    stop?.removeEventListener('abort', abort)
  }
  const abort = (): void => controller.abort(stop?.reason)
  const again = (): void => {
    clearTimeout(timer)
    if (milliseconds >= 2 ** 31) return // longer than a timer can be set, Infinity among them
    timer = setTimeout(() => {
      late = true
      controller.abort(new Error('timed out'))
    }, milliseconds)
  }
  stop?.addEventListener('abort', abort)
  again()
  return { signal: controller.signal, late: () => late, again, end }
}
