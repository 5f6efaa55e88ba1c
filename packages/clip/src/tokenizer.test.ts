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

  it('rejects files of other models', () => {
    for (const bad of [undefined, {}, { model: { type: 'BPE' } }, 'x'])
      expect(() => openTokenizer(bad, text)).toThrow('must be the tokenizer of this text model')
    expect(() => openTokenizer(json, { ...text, end: 5 })).toThrow('end with token 5')
    expect(() => openTokenizer(json, { ...text, vocabulary: 300 })('a wheel')).toThrow('the model knows tokens 0 … 299')
  })
})
