import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { configs, openWeights } from '@sam/core'
import type { WeightSource } from '@sam/core/graph'
import { recognise } from '@sam/core/model'
import { mobileModel } from '@sam/model-mobile'
import { mobileSamFile, type MobileSamFile } from '../build/mobile-sam.js'

let file: MobileSamFile
let half: WeightSource
let full: WeightSource
beforeAll(async () => {
  file = await mobileSamFile()
  half = await openWeights(file.bytes)
  full = (await mobileModel()).weights
})
afterAll(() => full.close())

it('mobileSamFile: is a MobileSAM of half the size, with its licence and the change to it', () => {
  expect(recognise(half)).toEqual(configs.mobile_sam)
  expect([...half.names].sort()).toEqual([...full.names].sort())
  expect(new Set(half.names.map(name => half.info(name).dtype))).toEqual(new Set(['F16']))
  expect(file.bytes.length).toBeLessThan(20e6)
  expect(file.sha256).toBe(createHash('sha256').update(file.bytes).digest('hex'))
  expect(half.metadata).toMatchObject({ license: 'Apache-2.0', changes: 'stored in half precision' })
})

it('mobileSamFile: rounds every weight to the nearest half', async () => {
  let worst = 0
  for (const name of full.names) {
    const [{ data: rounded, shape }, { data: exact, shape: given }] = [await half.read(name), await full.read(name)]
    expect(shape).toEqual(given)
    // Half an ulp: 2⁻¹¹ of the value, or 2⁻²⁵ where halves are subnormal.
    exact.forEach(
      (x, i) => (worst = Math.max(worst, Math.abs(rounded[i] - x) / Math.max(Math.abs(x) / 2048, 2 ** -25)))
    )
  }
  expect(worst).toBeLessThanOrEqual(1)
})
