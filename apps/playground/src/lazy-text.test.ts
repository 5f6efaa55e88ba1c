import { statSync } from 'node:fs'
import { loadClip } from '@sam/clip'
import { referenceBackend } from '@sam/core/testing'
import { tinyModel } from '@sam/model-tiny'
import { describe, expect, it } from 'vitest'
import { lazyText, type LoadedText } from './lazy-text.js'
import { tinySizes, tinyText } from './tiny-text.js'

describe('lazyText', () => {
  const facts = { width: 2 }
  const text = (disposed: string[] = []): LoadedText => ({
    embed: async phrases => phrases.map(() => new Float32Array([1, 0])),
    embedCrops: async () => [],
    dispose: async () => void disposed.push('text')
  })

  it('loads for the first phrase, once', async () => {
    let loads = 0
    const disposed: string[] = []
    const lazy = lazyText(facts, async () => (loads++, text(disposed)))
    expect([lazy.width, loads]).toEqual([2, 0])
    await Promise.all([lazy.embed(['a']), lazy.embed(['b'])])
    expect(loads).toBe(1)
    await lazy.dispose()
    expect(disposed).toEqual(['text'])
  })

  it('tries again after a failure, and disposes of nothing that was not loaded', async () => {
    let loads = 0
    const lazy = lazyText(facts, () => (loads++ ? Promise.resolve(text()) : Promise.reject(new Error('offline'))))
    await lazy.dispose()
    expect(loads).toBe(0)
    await expect(lazy.embed(['a'])).rejects.toThrow('offline')
    expect(await lazy.embed(['a'])).toHaveLength(1)
  })
})

it('tinyText and tinySizes: are those of the files', async () => {
  const { clip, weights } = tinyModel()
  const loaded = await loadClip({ ...clip, backend: referenceBackend() })
  const { width, scale, background, threshold } = loaded
  expect(tinyText()).toEqual({ width, scale: expect.closeTo(scale, 12), background, threshold })
  await loaded.dispose()
  const size = (...files: URL[]) => files.reduce((sum, file) => sum + statSync(file).size, 0)
  expect(tinySizes).toEqual({ model: size(weights), text: size(...Object.values(clip.model)) })
})
