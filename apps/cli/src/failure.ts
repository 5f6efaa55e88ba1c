import { CommanderError } from 'commander'
import { SamError } from '@sam/core'

/** What ends a command on purpose, besides the SDK's own errors. */
export class CliError extends Error {
  /**
   * `E_USAGE`: the command line is wrong. `E_OUTPUT`: a result cannot be written. `E_INPUT`: a file that is not a photo
   * or a checkpoint cannot be read. `E_NOT_FINITE`: training met a loss that is not a number. `E_ABORTED`: stopped by
   * Ctrl-C, and how to go on.
   */
  constructor(
    readonly code: 'E_USAGE' | 'E_OUTPUT' | 'E_INPUT' | 'E_NOT_FINITE' | 'E_ABORTED',
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}

/** A command line that cannot be carried out; the message says what would be right. */
export const usage = (message: string): CliError => new CliError('E_USAGE', message)

/** How a command ended badly: what a program decides on, what a person reads, what the shell gets. */
export interface Failure {
  readonly code: string
  readonly message: string
  /** 1 for a failure, 2 for a wrong command line, 130 after Ctrl-C. */
  readonly exitCode: number
}

/** The failure that an error stands for; undefined for what is none (help was shown). */
export function failureOf(error: unknown, signal: AbortSignal): Failure | undefined {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return undefined
    if (error.code === 'commander.help') return { code: 'E_USAGE', message: 'name a command', exitCode: 2 }
    return { code: 'E_USAGE', message: error.message.replace(/^error: /, ''), exitCode: 2 }
  }
  const told = error instanceof CliError && error.code === 'E_ABORTED'
  if (signal.aborted || told)
    return {
      code: 'E_ABORTED',
      message: told ? error.message : 'stopped; nothing was left half written',
      exitCode: 130
    }
  if (error instanceof CliError)
    return { code: error.code, message: error.message, exitCode: error.code === 'E_USAGE' ? 2 : 1 }
  if (SamError.is(error)) return { code: error.code, message: error.message, exitCode: 1 }
  return {
    code: 'E_INTERNAL',
    message: `this should not happen, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    exitCode: 1
  }
}
