import { WeightsError, type SamErrorCode } from '../errors.js'

/** Throws about one file or tensor; `text` follows its name. */
export type Fail = (text: string, cause?: unknown) => never

/** A `Fail` whose messages begin with `where`. */
export const failAt =
  (where: string, code: SamErrorCode = 'E_WEIGHTS_FORMAT'): Fail =>
  (text, cause) => {
    throw new WeightsError(code, `${where}: ${text}`, { cause })
  }
