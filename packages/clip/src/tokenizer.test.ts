import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clipConfigs } from './graph/config.js'
import { openTokenizer } from './tokenizer.js'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8'))
const { text } = clipConfigs['clip-vit-base-patch32']
const json = fixture('clip-tokenizer-excerpt.json')
const vectors = fixture('clip-tokenizer-vectors.json') as { text: string; ids: number[] }[]
const tokenize = openTokenizer(json, { ...text, context: 1000 })

describe('the tokenizer', () => {
  const html = 'R&amp;B &lt;tag&gt;'
  const words = vectors.filter(v => v.text !== '' && v.text !== html)
  it.each(words)("gives CLIP's tokens of $text", ({ text, ids }) =>
    expect(tokenize(text)).toEqual([49406, ...ids, 49407])
  )

  it("does not unescape HTML entities: CLIP's own code does, tokenizer.json does not", () => {
    const { ids } = vectors.find(v => v.text === html)!
    expect(tokenize('R&B <tag>')).toEqual([49406, ...ids, 49407])
    expect(tokenize(html)).not.toEqual([49406, ...ids, 49407])
  })

  it('rejects texts without tokens and with too many', () => {
    expect(() => tokenize('')).toThrow('at least one token')
    expect(() => openTokenizer(json, text)('a '.repeat(76))).toThrow('at most 75 tokens, found 76')
    expect(openTokenizer(json, text)('a '.repeat(75))).toHaveLength(77)
  })

  it('refuses a file that ends in a TypeError', () => {
    const damaged = fixture('hostile/tokenizer-254.bin')
    expect(() => openTokenizer(damaged, { context: 77, vocabulary: 775, end: 774 })).toThrow(
      'must be the tokenizer of this text model'
    )
  })

  it.each([
    ['a repeated group', { pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' } } }, 'repeats a group'],
    [
      'many repeats',
      { pre_tokenizer: { type: 'Split', pattern: { Regex: 'a*[|]*a*\\p{L}*b' } } },
      'more than 3 repeats'
    ],
    ['a long pattern', { pre_tokenizer: { type: 'Split', pattern: { Regex: 'a'.repeat(3000) } } }, '3000 characters'],
    [
      'doubling forty times',
      { normalizer: Array.from({ length: 40 }, () => ({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' })) },
      'times longer'
    ],
    ['many steps', { normalizer: Array.from({ length: 300 }, () => ({ type: 'NFC' })) }, 'more than 256 steps'],
    ['deep steps', { normalizer: JSON.parse('['.repeat(20) + ']'.repeat(20)) as unknown }, 'nest deeper']
  ])('refuses what could take for ever: %s', (_, change, message) => {
    expect(() => openTokenizer({ ...(json as object), ...change }, text)).toThrow(message)
  })

  it('refuses letters that its vocabulary does not have', () => {
    const { model } = json as { model: { vocab: Record<string, number> } }
    const vocab = Object.fromEntries(Object.entries(model.vocab).filter(([token]) => !token.startsWith('q')))
    const lacking = openTokenizer({ ...(json as object), model: { ...model, vocab, unk_token: 'no token' } }, text)
    expect(() => lacking('q')).toThrow('found undefined')
  })

  it('refuses a phrase of a megabyte before it reads it', () => {
    expect(() => tokenize('x'.repeat(2 ** 20))).toThrow('at most 2000 characters')
  })

  it("refuses files that are not this model's", () => {
    for (const bad of [undefined, {}, { model: { type: 'BPE' } }, 'x'])
      expect(() => openTokenizer(bad, text)).toThrow('must be the tokenizer of this text model')
    expect(() => openTokenizer(json, { ...text, end: 5 })).toThrow('end with token 5')
    expect(() => openTokenizer(json, { ...text, vocabulary: 300 })('a wheel')).toThrow('the model knows tokens 0 … 299')
  })
})
