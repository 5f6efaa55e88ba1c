import { readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadSam, openWeights } from '@sam/core'
import { recognise } from '@sam/core/model'
import { referenceBackend } from '@sam/core/testing'
import { tinyModel } from '../src/index.js'

describe('tinyModel', () => {
  const { weights, config, description } = tinyModel()

  it('is a small file of half precision with its configuration', async () => {
    expect(statSync(weights).size).toBeLessThan(8e6)
    const source = await openWeights(weights)
    expect(recognise(source)).toEqual(config)
    expect(new Set(source.names.map(name => source.info(name).dtype))).toEqual(new Set(['F16']))
    await source.close()
    expect(description).not.toBe('')
  })

  it('loads with every name and shape', async () => {
    const sam = await loadSam({ weights, backend: referenceBackend() })
    expect(sam.config).toEqual(config)
    await sam.dispose()
  })

  it('has a CLIP of half precision whose files agree', async () => {
    const {
      clip: { model: clip }
    } = tinyModel()
    const json = (url: URL) =>
      JSON.parse(readFileSync(url, 'utf8')) as { text_config: { vocab_size: number }; model: { vocab: object } }
    expect(statSync(clip.weights).size).toBeLessThan(3e6)
    expect(Object.keys(json(clip.tokenizer).model.vocab)).toHaveLength(json(clip.config).text_config.vocab_size)
    const source = await openWeights(clip.weights)
    expect(new Set(source.names.map(name => source.info(name).dtype))).toEqual(new Set(['F16']))
    expect(source.has('logit_scale')).toBe(true)
    await source.close()
  })

  it("has background phrases in its CLIP's vocabulary, each once", () => {
    const {
      background,
      model: { tokenizer },
      threshold
    } = tinyModel().clip
    const {
      model: { vocab }
    } = JSON.parse(readFileSync(tokenizer, 'utf8')) as { model: { vocab: object } }
    const known = Object.keys(vocab)
    for (const phrase of background)
      for (const word of phrase.split(' ')) expect(known, phrase).toContain(`${word}</w>`)
    expect(new Set(background).size).toBe(background.length)
    expect(background.slice(0, 2)).toEqual(['a disc', 'an oval'])
    expect(threshold > 0 && threshold < 1).toBe(true)
  })
})
