import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, type Json } from './json.js'

const plain = (json: Json): unknown =>
  json instanceof Map ? { __proto__: null, ...Object.fromEntries([...json].map(([k, v]) => [k, plain(v as Json)])) }
    : Array.isArray(json) ? json.map(plain) : json

describe('parseJson', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(JSON.stringify(plain(parseJson(text)))).toBe(text.includes('__proto__') ? expect.anything() : JSON.stringify(JSON.parse(text)))
    }))
  })
  it('accepts no text that JSON.parse refuses', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\ 01-.eEtruefalsn\n\t'), maxLength: 12 }), (text) => {
      let accepted = true
      try { parseJson(text) } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError)
        accepted = false
      }
      if (accepted) JSON.parse(text)
    }), { numRuns: 2000 })
  })
  it('refuses a repeated key, also when it is escaped differently', () => {
    expect(() => parseJson('{"a":1,"\\u0061":2}')).toThrow("'a' is given twice")
  })
  it('keeps __proto__ as an ordinary name', () => {
    expect((parseJson('{"__proto__":{"x":1}}') as ReadonlyMap<string, Json>).get('__proto__')).toEqual(new Map([['x', 1]]))
  })
  it('refuses deep nesting without overflowing', () => {
    expect(() => parseJson('['.repeat(100_000))).toThrow('nesting deeper than 8')
  })
  it('reads very long texts', () => {
    expect(parseJson(JSON.stringify('x\\"'.repeat(1_000_000)))).toHaveLength(3_000_000)
  })
})
