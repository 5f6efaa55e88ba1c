import { refusing, type Refuse, type SamErrorCode } from '../errors.js'

/** Throws about one file or tensor; `text` follows its name. */
export type Fail = Refuse

/** A `Fail` whose messages begin with `where`. */
export const failAt = (where: string, code: SamErrorCode = 'E_WEIGHTS_FORMAT'): Fail => refusing(code, `${where}: `)
