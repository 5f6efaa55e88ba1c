import { brief, refuse, shown } from './errors.js'

/**
 * An own, frozen copy of an options object of a public function: each option is read once, so that nothing changes
 * after it was checked. `names` lists every option. Throws `InputError` `E_BAD_OPTION` for what is no object, for an
 * unknown option (with the nearest name), and where `signal` is no `AbortSignal` or a callback no function.
 */
export function readOptions<T extends object>(what: string, options: T, names: Readonly<Record<keyof T, true>>): T {
  if (!isPlain(options)) refuse('E_BAD_OPTION', `${what}: options must be an object, found ${shown(options)}`)
  const known = Object.keys(names) as (keyof T & string)[]
  const unknown = Object.keys(options).find(name => !Object.hasOwn(names, name))
  if (unknown !== undefined) refuse('E_BAD_OPTION', `${what}: ${unknownName('option', unknown, known)}`)
  const copy: Partial<T> = {}
  for (const name of known) {
    const value = options[name]
    if (value === undefined) continue
    if (name === 'signal' && typeof (value as Partial<AbortSignal> | null)?.throwIfAborted !== 'function') {
      const controller = typeof value === 'object' && value !== null && 'abort' in value
      refuse(
        'E_BAD_OPTION',
        `${what}: signal must be an AbortSignal, found ${controller ? 'an AbortController; pass its signal' : shown(value)}`
      )
    }
    if (/^on[A-Z]/.test(name) && typeof value !== 'function')
      refuse('E_BAD_OPTION', `${what}: ${name} must be a function, found ${shown(value)}`)
    copy[name] = value
  }
  return Object.freeze(copy) as T
}

/** Whether this may hold options: not an array, a promise, a signal, a file … */
const isPlain = (value: unknown): boolean => Object.prototype.toString.call(value) === '[object Object]'

/** What a message says of a name that is not among the known ones: the nearest of them, or all. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const [nearest] = known
    .map(other => ({ other, edits: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, edits }) => edits <= Math.max(2, other.length / 3))
    .sort((a, b) => a.edits - b.edits)
  const hint = nearest ? `did you mean '${nearest.other}'?` : `known: ${known.join(', ') || 'none'}`
  return `unknown ${kind} '${brief(name)}'; ${hint}`
}

/** Levenshtein distance of two names, of which the first 64 characters count. */
function editDistance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 64), b.slice(0, 64)]
  let row = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++)
      next.push(Math.min(row[j + 1] + 1, next[j] + 1, row[j] + (letter === to[j] ? 0 : 1)))
    row = next
  }
  return row[to.length]
}
