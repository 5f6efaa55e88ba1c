import { printable } from '@sam/core/graph'
import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger }

/** One JSON object per line. Texts of requests are escaped, so that none can end a line or write to a terminal. */
export const createLog = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: errorFields }
    },
    destination
  )

const errorFields = (error: Error & { code?: unknown }): object => ({
  code: error.code,
  message: printable(error.message),
  stack: error.stack && printable(error.stack)
})
