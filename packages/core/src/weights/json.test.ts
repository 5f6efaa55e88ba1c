import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, type Json } from './json.js'

/** Objects and Maps alike as their sorted entries, so that both parsers' values compare. */
const entries = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(entries)
  if (typeof value !== 'object' || value === null) return value
  const pairs: [unknown, unknown][] = value instanceof Map ? [...value] : Object.entries(value)
  return {
    object: pairs.map(([key, inner]) => [key, entries(inner)]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  }
}

describe('parseJson', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(entries(parseJson(text))).toEqual(entries(JSON.parse(text)))
      })
    )
  })
  it('accepts no text that JSON.parse refuses', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\ 01-.eEtruefalsn\n\t'), maxLength: 12 }), text => {
        let accepted = true
        try {
          parseJson(text)
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
          accepted = false
        }
        if (accepted) JSON.parse(text)
      }),
      { numRuns: 2000 }
    )
  })
  it('refuses a repeated key, also when it is escaped differently', () => {
    expect(() => parseJson('{"a":1,"\\u0061":2}')).toThrow("'a' is given twice")
  })
  it('keeps __proto__ as an ordinary name', () => {
    expect((parseJson('{"__proto__":{"x":1}}') as ReadonlyMap<string, Json>).get('__proto__')).toEqual(
      new Map([['x', 1]])
    )
  })
  it('refuses deep nesting without overflowing', () => {
    expect(() => parseJson('['.repeat(100_000))).toThrow('nesting deeper than 8')
  })
  it('reads very long texts', () => {
    expect(parseJson(JSON.stringify('x\\"'.repeat(1_000_000)))).toHaveLength(3_000_000)
  })
})
