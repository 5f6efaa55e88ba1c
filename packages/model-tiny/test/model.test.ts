import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadSam, openWeights, recognise } from '@sam/core'
import { referenceBackend } from '@sam/core/testing'
import { tinyModel } from '../src/index.js'

describe('tinyModel', () => {
  const { weights, config, description } = tinyModel()

  it('is a small file of half precision that says itself what it is', async () => {
    expect(statSync(weights).size).toBeLessThan(8e6)
    const source = await openWeights(weights)
    expect(recognise(source)).toEqual(config)
    expect(new Set(source.names.map(name => source.info(name).dtype))).toEqual(new Set(['F16']))
    await source.close()
    expect(description).not.toBe('')
  })

  it('loads whole: every name and shape', async () => {
    const sam = await loadSam({ weights, backend: referenceBackend() })
    expect(sam.config).toEqual(config)
    await sam.dispose()
  })
})
