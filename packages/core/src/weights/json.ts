import { brief } from '../errors.js'

/** A parsed JSON value. Objects are Maps, so that no name can reach an object's prototype. */
export type Json = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>

/** Objects, arrays and members of objects in one text: a few hundred megabytes at most. */
const partLimit = 1_000_000

/** Elements of arrays in one text. A tensor has some six, its sizes and its place. */
const elementLimit = 4_000_000

/**
 * Strict JSON of an untrusted file. Unlike `JSON.parse` it refuses a key given twice (two readers could disagree on
 * which one counts), nesting deeper than `depth` (which would overflow the stack), and more parts or elements than the
 * limits above (which would need many times the memory of the text). `member` gets each member of the outermost object
 * as soon as it is read and returns what is kept of it: it can refuse a file long before its end. Throws `SyntaxError`.
 */
export function parseJson(
  text: string,
  depth = 8,
  member: (key: string, value: Json) => Json = (_, value) => value
): Json {
  let at = 0
  let parts = 0
  let elements = 0
  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at character ${at}`)
  }

  const count = (): void => {
    if (++parts > partLimit) fail(`more than ${partLimit} objects, arrays and members`)
  }

  /** Skips blanks and looks at the next character. */
  const peek = (): string => {
    while (at < text.length && ' \t\n\r'.includes(text[at])) at++
    return text[at] ?? fail('unexpected end')
  }
  const skip = (wanted: string): boolean => {
    if (peek() !== wanted) return false
    at++
    return true
  }

  // Names and literals are found by hand and read by JSON.parse: a regular expression would need stack for each
  // character of a long one.
  const string = (): string => {
    let end = at
    do end = text.indexOf('"', end + 1)
    while (end > 0 && isEscaped(text, end))
    if (end < 0) return fail('unterminated text')
    const out = JSON.parse(text.slice(at, end + 1)) as string
    at = end + 1
    return out
  }
  const literal = (): Json => {
    const end = at + /^[-+.\w]*/.exec(text.slice(at, at + 32))![0].length
    const out = JSON.parse(text.slice(at, end)) as Json
    at = end
    return out
  }

  const value = (left: number): Json => {
    const first = peek()
    if (first === '"') return string()
    if (first !== '{' && first !== '[') return literal()
    if (left === 0) return fail(`nesting deeper than ${depth}`)
    count()
    return first === '{' ? object(left - 1) : array(left - 1)
  }
  const object = (left: number): Json => {
    const out = new Map<string, Json>()
    at++
    if (skip('}')) return out
    do {
      if (peek() !== '"') return fail('expected a name')
      const key = string()
      count()
      if (out.has(key)) return fail(`'${brief(key)}' is given twice`)
      if (!skip(':')) return fail("expected ':'")
      out.set(key, left === depth - 1 ? member(key, value(left)) : value(left))
    } while (skip(','))
    return skip('}') ? out : fail("expected ',' or '}'")
  }
  const array = (left: number): Json => {
    const out: Json[] = []
    at++
    if (skip(']')) return out
    do {
      if (++elements > elementLimit) return fail(`more than ${elementLimit} elements of arrays`)
      out.push(value(left))
    } while (skip(','))
    return skip(']') ? out : fail("expected ',' or ']'")
  }

  const result = value(depth)
  return text.slice(at).search(/[^ \t\n\r]/) < 0 ? result : fail('text after the end')
}

/** Whether an odd number of backslashes precedes the quote. */
function isEscaped(text: string, quote: number): boolean {
  let from = quote
  while (text[from - 1] === '\\') from--
  return (quote - from) % 2 === 1
}
