import { describe, expect, it } from 'vitest'
import { loadSam } from '@sam/core'
import type { CropEncoder, PhraseEncoder } from '@sam/core/model'
import { memoryWeights } from '@sam/core/graph'
import { referenceBackend } from '@sam/core/testing'
import { scenes } from '@sam/scenes'
import { initialParams } from '@sam/train'
import { testRun } from '../../../../packages/train/test/test-recipe.js'
import { rocAuc } from './roc.js'
import { evaluateText } from './text.js'
import { textTable } from './text-table.js'

describe('rocAuc', () => {
  it('is the probability that a positive scores higher', () => {
    expect(rocAuc([3, 4], [1, 2])).toBe(1)
    expect(rocAuc([1, 2], [3, 4])).toBe(0)
    expect(rocAuc([1, 3], [2, 4])).toBe(0.25)
    expect(rocAuc([1, 1], [1, 1])).toBe(0.5)
  })
})

describe('evaluateText', () => {
  const unit = (x: number): Float32Array => Float32Array.of(Math.cos(x), Math.sin(x))
  const clip: PhraseEncoder & CropEncoder = {
    width: 2,
    scale: 10,
    background: ['background'],
    embed: async phrases => phrases.map(p => unit(p.length)),
    embedCrops: async (_, masks) => masks.map(({ data }) => unit(data.reduce((a, b) => a + b, 0)))
  }
  const { config } = testRun
  const load = (width: number) =>
    loadSam({
      weights: memoryWeights(initialParams(config, 1, width)),
      model: config,
      backend: referenceBackend(),
      text: clip
    })

  it('scores phrases, crops and both query routes, and detection of absent objects', async () => {
    await using sam = await load(2)
    const progress: number[] = []
    const found = await evaluateText({
      sam,
      clip,
      data: scenes({ size: 64, seed: 3, minArea: 80 }),
      phrases: 3,
      automatic: { pointsPerSide: 2 },
      onProgress: n => progress.push(n)
    })
    expect(progress).toEqual([1, 2, 3])
    expect(found.all.phrases).toBe(3)
    expect(found.wholes.phrases + found.parts.phrases).toBe(3)
    expect(found.knownPairs.phrases + found.heldOutPairs.phrases).toBe(found.wholes.phrases)
    for (const key of ['text', 'textAndPoint', 'crop', 'shuffled', 'query', 'rank'] as const)
      expect(found.all[key] >= 0 && found.all[key] <= 1, key).toBe(true)
    expect(textTable(found)).toContain(`| all | 3 | ${found.all.text.toFixed(3)} |`)
  })
  it('needs a model with text prompts and data with descriptions', async () => {
    await using without = await load(0)
    const data = scenes({ size: 64, seed: 3 })
    await expect(evaluateText({ sam: without, clip, data })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    await using sam = await load(2)
    await expect(
      evaluateText({ sam, clip, data: { size: 2, read: async i => ({ ...(await data.read(i)), truths: [] }) } })
    ).rejects.toMatchObject({ code: 'E_BAD_IMAGE' })
  })
})
