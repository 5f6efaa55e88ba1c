import { addAbortSignal } from 'node:stream'
import { printable, reasonOf } from '@sam/core/graph'
import { CliError } from './failure.js'

/**
 * Output streams: stdout for data, stderr for progress and errors. Control characters are written as escapes. A closed
 * pipe (`| head`) is no error.
 */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** The stream for a spinner; undefined where stderr is no terminal, or with `NO_COLOR`. */
  readonly spinner: NodeJS.WriteStream | undefined
  /**
   * All of standard input. Throws `E_INPUT` past 512 MiB or where it cannot be read. An abort rejects with the signal's
   * reason.
   */
  stdin(signal: AbortSignal): Promise<Uint8Array>
}

/** A terminal whose output can be waited for. */
export interface ProcessTerminal extends Terminal {
  /** Waits until all output is written. Throws `E_OUTPUT` where stdout could not take it: a full disk, for example. */
  flush(): Promise<void>
}

/** Maximum bytes of standard input. */
export const stdinLimit = 2 ** 29

/** The terminal of this process. */
export function processTerminal(): ProcessTerminal {
  const { stdin, stdout, stderr, env } = process
  const broken = new Map<NodeJS.WriteStream, NodeJS.ErrnoException>()
  for (const stream of [stdout, stderr]) stream.on('error', (error: Error) => void broken.set(stream, error))
  const to =
    (stream: NodeJS.WriteStream) =>
    (text: string): void => {
      if (!broken.has(stream)) stream.write(printable(text, Infinity))
    }
  const written = (stream: NodeJS.WriteStream): Promise<void> =>
    new Promise(resolve => {
      if (broken.has(stream)) resolve()
      else stream.write('', () => resolve())
    })
  // With 0 columns a spinner would clear lines forever.
  const lively = stderr.isTTY && stderr.columns > 0 && !env.NO_COLOR && env.TERM !== 'dumb'
  return {
    out: to(stdout),
    err: to(stderr),
    spinner: lively ? stderr : undefined,
    stdin: signal => readAll(addAbortSignal(signal, stdin), signal),
    async flush() {
      await Promise.all([written(stdout), written(stderr)])
      // The error event comes after the callback of the write.
      await new Promise(setImmediate)
      const cause = broken.get(stdout)
      if (cause && cause.code !== 'EPIPE')
        throw new CliError('E_OUTPUT', `cannot write to standard output: ${reasonOf(cause)}`, { cause })
    }
  }
}

/** All bytes of a stream, at most `limit`. Throws `E_INPUT`. */
export async function readAll(
  stream: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal,
  limit = stdinLimit
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      size += chunk.length
      if (size > limit)
        throw new CliError(
          'E_INPUT',
          `standard input must have at most ${limit} bytes, found more; save it to a file and give its name`
        )
      chunks.push(chunk as Uint8Array)
    }
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof CliError) throw cause
    throw new CliError('E_INPUT', `cannot read standard input: ${(cause as Error).message}`, { cause })
  }
  return Buffer.concat(chunks)
}
