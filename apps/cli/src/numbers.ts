import { usage } from './failure.js'

/** Reads an option as a finite number. */
export const decimal =
  (option: string) =>
  (text: string): number => {
    const n = text.trim() === '' ? NaN : Number(text)
    if (!Number.isFinite(n)) throw usage(`${option} must be a number, found '${text}'`)
    return n
  }

/** Reads an option as a whole number from 1 (or `least`) to `most`. */
export const wholeNumber =
  (option: string, { least = 1, most = 1e9 }: { least?: number; most?: number } = {}) =>
  (text: string): number => {
    const n = /^\d+$/.test(text) ? Number(text) : NaN
    if (!(n >= least && n <= most))
      throw usage(`${option} must be a whole number from ${least} to ${most}, found '${text}'`)
    return n
  }
