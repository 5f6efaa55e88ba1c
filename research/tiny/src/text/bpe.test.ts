import { describe, expect, it } from 'vitest'
import { openTokenizer } from '@sam/clip'
import { tokenizerOf } from './bpe.js'
import { allWords } from './words.js'

const json = tokenizerOf(allWords)
const vocabulary = Object.keys(json.model.vocab).length
const tokenize = openTokenizer(json, { context: 24, vocabulary, end: vocabulary - 1 })

describe('tokenizerOf', () => {
  it('has one token per word', () => {
    for (const word of allWords)
      expect(tokenize(word), word).toEqual([vocabulary - 2, json.model.vocab[`${word}</w>`], vocabulary - 1])
    expect(tokenize('A Striped  red-star!')).toHaveLength(2 + 6)
  })
  it('splits any other text into shorter tokens', () => {
    for (const text of ['zebra', 'étoile', '星', '🌟']) expect(tokenize(text).length, text).toBeGreaterThan(3)
  })
  it('is deterministic', () => expect(tokenizerOf(allWords)).toEqual(json))
})
