import { CommanderError } from 'commander'
import { SamError } from '@sam/core'
import { JobError } from '@sam/jobs'

/** Errors of the command line, beside those of the SDK. */
export class CliError extends Error {
  /**
   * `E_USAGE`: the command line is wrong. `E_OUTPUT`: a result cannot be written. `E_INPUT`: a file that is not a photo
   * or a checkpoint cannot be read. `E_NOT_FINITE`: the training loss is not finite. `E_ABORTED`: stopped by Ctrl-C;
   * the message says how to resume.
   */
  constructor(
    readonly code: 'E_USAGE' | 'E_OUTPUT' | 'E_INPUT' | 'E_NOT_FINITE' | 'E_ABORTED',
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}

/** An error for a wrong command line; the message says what is valid. */
export const usage = (message: string): CliError => new CliError('E_USAGE', message)

/** A failed command: code for programs, message for people, exit code for the shell. */
export interface Failure {
  readonly code: string
  readonly message: string
  /** 1 for a failure, 2 for a wrong command line, 130 after Ctrl-C. */
  readonly exitCode: number
}

/** The failure of an error; undefined where it is none (help was shown). */
export function failureOf(error: unknown, signal: AbortSignal): Failure | undefined {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return undefined
    if (error.code === 'commander.help') return { code: 'E_USAGE', message: 'give a command', exitCode: 2 }
    return { code: 'E_USAGE', message: error.message.replace(/^error: /, ''), exitCode: 2 }
  }
  const told = error instanceof CliError && error.code === 'E_ABORTED'
  if (signal.aborted || told)
    return {
      code: 'E_ABORTED',
      message: told ? error.message : 'stopped; no file is incomplete',
      exitCode: 130
    }
  if (error instanceof CliError)
    return { code: error.code, message: error.message, exitCode: error.code === 'E_USAGE' ? 2 : 1 }
  if (SamError.is(error) || error instanceof JobError) return { code: error.code, message: error.message, exitCode: 1 }
  return {
    code: 'E_INTERNAL',
    message: `internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    exitCode: 1
  }
}
