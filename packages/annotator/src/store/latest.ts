/**
 * Runs at most one request at a time, then only the newest of those made meanwhile, as a moving pointer needs. `stop`
 * aborts the current run and drops its result.
 */
export function latest<A, R>(
  run: (args: A, signal: AbortSignal) => Promise<R>,
  onResult: (result: R, args: A) => void
): { readonly request: (args: A) => void; readonly stop: () => void } {
  let next: { args: A } | undefined
  let running: AbortController | undefined

  const begin = async (args: A): Promise<void> => {
    const mine = (running = new AbortController())
    try {
      const result = await run(args, mine.signal)
      if (!mine.signal.aborted) onResult(result, args)
    } catch {
      /* A failed preview is ignored: the click that follows reports the error. */
    } finally {
      if (running === mine) {
        running = undefined
        const newest = next
        next = undefined
        if (newest) void begin(newest.args)
      }
    }
  }
  return {
    request(args) {
      if (running) next = { args }
      else void begin(args)
    },
    stop() {
      next = undefined
      running?.abort(new DOMException('out of date', 'AbortError'))
      running = undefined
    }
  }
}
