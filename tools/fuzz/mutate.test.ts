import { describe, expect, it } from 'vitest'
import { SamError } from '../../packages/core/src/errors.js'
import { allTargets } from './targets.js'
import { inputOf } from './worker.js'

const targets = await allTargets()

describe('fuzzer', () => {
  it('accepts its undamaged examples, except hostile and legacy ones', async () => {
    for (const { name, corpus, run } of targets) {
      const refused: number[] = []
      for (const [i, example] of corpus.entries()) {
        await run(example).catch((error: unknown) => {
          expect(SamError.is(error), `${name} ${i}: ${String(error)}`).toBe(true)
          refused.push(i)
        })
      }
      expect([name, refused]).toEqual([name, name === 'pth' ? [3, 4] : []])
    }
  })

  it('makes inputs from seed and number: truncated at every offset, or mutated', () => {
    for (const target of targets) {
      expect(inputOf(target, 7, 1)).toEqual(inputOf(target, 7, 1))
      expect(target.corpus[0].slice(0, 5)).toEqual(inputOf(target, 20, 1))
      expect([1, 2, 3, 5, 6].some(n => Buffer.compare(inputOf(target, n, 1), inputOf(target, n, 2)))).toBe(true)
    }
  })

  it('gets a value or a SamError from every reader for damaged inputs', async () => {
    for (const target of targets) {
      for (let n = 0; n < 200; n++) {
        await target.run(inputOf(target, n, 2023)).catch((error: unknown) => {
          expect(SamError.is(error), `${target.name} ${n}: ${String(error)}`).toBe(true)
        })
      }
    }
  })
})
