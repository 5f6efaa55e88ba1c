import { printable } from '@sam/core/graph'

/**
 * Output streams: stdout for data, stderr for progress and errors. Control characters are written as escapes. A closed
 * pipe (`| head`) is no error.
 */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** The stream for a spinner; undefined where stderr is no terminal, or with `NO_COLOR`. */
  readonly spinner: NodeJS.WriteStream | undefined
  /** All of standard input. */
  stdin(): Promise<Uint8Array>
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process
  const gone = new Set<NodeJS.WriteStream>()
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      gone.add(stream)
    })
  }
  const to =
    (stream: NodeJS.WriteStream) =>
    (text: string): void => {
      if (!gone.has(stream)) stream.write(printable(text, Infinity))
    }
  // With 0 columns a spinner would clear lines forever.
  const lively = stderr.isTTY && stderr.columns > 0 && !env.NO_COLOR && env.TERM !== 'dumb'
  return {
    out: to(stdout),
    err: to(stderr),
    spinner: lively ? stderr : undefined,
    async stdin() {
      const chunks: Uint8Array[] = []
      for await (const chunk of stdin) chunks.push(chunk as Uint8Array)
      return Buffer.concat(chunks)
    }
  }
}
