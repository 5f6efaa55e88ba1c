/**
 * At most one run at a time, and of what was asked meanwhile only the newest: what a pointer that moves needs. A run
 * whose question is out of date is aborted; what it still answers is dropped.
 */
export function latest<A, R>(
  run: (args: A, signal: AbortSignal) => Promise<R>,
  onResult: (result: R, args: A) => void
): { readonly ask: (args: A) => void; readonly stop: () => void } {
  let next: { args: A } | undefined
  let running: AbortController | undefined

  const begin = async (args: A): Promise<void> => {
    const mine = (running = new AbortController())
    try {
      const result = await run(args, mine.signal)
      if (!mine.signal.aborted) onResult(result, args)
    } catch {
      /* A preview that fails is no news: the click that follows will tell. */
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
    ask(args) {
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
