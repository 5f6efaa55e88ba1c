import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

/** A process of worker-child.ts. */
export interface Child {
  /** Lines that it has written, without the last one that may be cut. */
  readonly lines: string[]
  /** Waits until it has written so many lines, or has ended. */
  wrote(count: number): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
  /** Its exit code. */
  ended(): Promise<number | null>
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts worker-child.ts. */
export function startChild(args: readonly string[]): Child {
  const command = [path('../../../tools/run.js'), path('./worker-child.ts'), ...args]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  const exit = once(child, 'exit').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  const lines: string[] = []
  let rest = ''
  let tell = (): void => {}
  child.stdout.on('data', (text: Buffer) => {
    const parts = (rest + text.toString()).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
    tell()
  })
  return {
    lines,
    wrote: count =>
      Promise.race([
        exit.then(() => {}),
        new Promise<void>(resolve => {
          tell = () => lines.length >= count && resolve()
          tell()
        })
      ]),
    async kill(signal) {
      child.kill(signal)
      await exit
    },
    ended: () => exit
  }
}
