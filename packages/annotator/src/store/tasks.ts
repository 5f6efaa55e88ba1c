import type { Task } from './annotator.js'

/** The operations in progress, of which the latest is shown. */
export interface Tasks {
  /** Runs an operation. `report` changes what is shown of it. Throws what `work` throws. */
  run<T>(
    text: string,
    work: (signal: AbortSignal, report: (task: Partial<Task>) => void) => Promise<T>,
    abort?: AbortController
  ): Promise<T>
  /** Aborts all of them. */
  stop(): void
}

/** `changed` is called with what is to be shown. */
export function tasks(changed: (busy: Task | undefined) => void): Tasks {
  const running = new Map<AbortController, Task>()
  const show = (): void => changed([...running.values()].at(-1))
  return {
    async run(text, work, abort = new AbortController()) {
      running.set(abort, { text })
      show()
      try {
        return await work(abort.signal, task => {
          const before = running.get(abort)
          if (!before) return
          running.set(abort, { ...before, ...task })
          show()
        })
      } finally {
        running.delete(abort)
        show()
      }
    },
    stop() {
      for (const abort of running.keys()) abort.abort()
    }
  }
}
