import { brief, refusing, shown, type Refuse } from '@sam/core/graph'
import { imagePixelLimit } from './limits.js'

/** Throws `InputError` `E_BAD_IMAGE` about one annotation file, or about a part of it. */
export const failingIn = (file: string, part = ''): Refuse =>
  refusing('E_BAD_IMAGE', `${brief(file)}: ${part && `${brief(part)}: `}`)

/** The size of an image, from an untrusted file. */
export function readSize(width: unknown, height: unknown, fail: Refuse): { width: number; height: number } {
  const isSide = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0
  if (isSide(width) && isSide(height) && width * height <= imagePixelLimit) return { width, height }
  return fail(
    `width and height of an image must be whole numbers from 1, of at most ${imagePixelLimit} pixels together, ` +
      `found ${shown(width)} × ${shown(height)}`
  )
}

/** A name from an untrusted file: a text that is not empty, or a number. */
export function readName(value: unknown, what: string, fail: Refuse): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value === 'string' && value.trim() !== '') return value
  return fail(`${what} must be a text or a number, found ${shown(value)}`)
}

/** A category from an untrusted file; undefined where there is none. Control characters become spaces. */
export const readCategory = (value: unknown): string | undefined =>
  (typeof value === 'string' && value.replace(/[\0-\x1f\x7f]/g, ' ').trim()) || undefined

/** A score from an untrusted file; undefined where there is none. */
export function readScore(value: unknown, fail: Refuse): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const score = typeof value === 'string' ? Number(value) : value
  if (typeof score === 'number' && Number.isFinite(score)) return score
  return fail(`a score must be a finite number, found ${shown(value)}`)
}
