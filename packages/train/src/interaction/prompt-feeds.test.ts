import { describe, expect, it } from 'vitest'
import { promptFeeds } from './prompt-feeds.js'

describe('feeds of text prompts', () => {
  it('have the embedding, and its place in the mask of tokens', () => {
    const text = Float32Array.of(1, 2)
    const { text: fed, token_mask: present } = promptFeeds(
      [
        { points: [], mask: undefined, text },
        { points: [{ x: 1, y: 2, label: 1 }], mask: undefined }
      ],
      { points: 3, low: 2, text: 2 }
    )
    expect([...fed.data]).toEqual([1, 2, 0, 0])
    expect([...present.data]).toEqual([0, 0, 0, 1, 1, 1, 0, 0])
  })
})
