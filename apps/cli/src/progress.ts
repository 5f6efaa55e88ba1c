import type { Terminal } from './terminal.js'
import { oneLine } from './text.js'

/** Progress on stderr. */
export interface Progress {
  /** Runs a step; `tell` adds to its line while it runs ("120 of 358 MB"). */
  step<T>(what: string, work: (tell: (detail: string) => void) => Promise<T>): Promise<T>
  note(text: string): void
}

/** A spinner on a terminal, else a line per step, and every 30 s where it is; nothing when quiet. */
export function progressOn(terminal: Terminal, { quiet = false }: { quiet?: boolean | undefined }): Progress {
  const { spinner: stream } = terminal
  if (quiet) return { step: (_what, work) => work(() => {}), note: () => {} }
  return {
    note: text => terminal.err(`${text}\n`),
    async step(name, work) {
      const what = oneLine(name)
      const begun = performance.now()
      const took = (): string => `${what}  ${seconds(performance.now() - begun)}`
      if (!stream) {
        let told = begun
        const result = await work(detail => {
          if (performance.now() - told < 30_000) return
          told = performance.now()
          terminal.err(`${what}  ${oneLine(detail)}\n`)
        })
        terminal.err(`${took()}\n`)
        return result
      }
      const { default: ora } = await import('ora')
      const spinner = ora({ stream, text: what, discardStdin: false }).start()
      try {
        const result = await work(detail => {
          spinner.text = `${what}  ${oneLine(detail)}`
        })
        spinner.succeed(took())
        return result
      } catch (error) {
        spinner.fail(what)
        throw error
      }
    }
  }
}

const seconds = (ms: number): string => (ms < 995 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)
