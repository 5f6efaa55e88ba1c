import { describe, expect, it } from 'vitest'
import { tinyTest } from '../sam/config.js'
import { promptFeeds } from './prompt-feeds.js'

describe('promptFeeds', () => {
  it('promptFeeds: includes text embeddings, and their position in the token mask', () => {
    const text = Float32Array.of(1, 2)
    const { text: fed, token_mask: present } = promptFeeds(
      [
        { points: [], mask: undefined, text },
        { points: [{ x: 1, y: 2, label: 1 }], mask: undefined }
      ],
      { prompts: 2, points: 3, text: 2, masks: true },
      tinyTest
    )
    expect([...fed.data]).toEqual([1, 2, 0, 0])
    expect([...present.data]).toEqual([0, 0, 0, 1, 1, 1, 0, 0])
  })
})
