import { describe, expect, it } from 'vitest'
import { tinyModel } from '@sam/model-tiny'
import { sentence } from './phrase.js'
import { singleWords } from './single-words.js'

describe('tinyModel().clip', () => {
  it('has every kind and colour of its training as a background phrase', () => {
    const [kinds, colored] = singleWords
    expect(tinyModel().clip.background).toEqual(
      [...kinds, ...colored.filter(({ noun }) => noun === 'thing')].map(sentence)
    )
  })
})
