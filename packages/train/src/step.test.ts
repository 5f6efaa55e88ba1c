import { expect, it } from 'vitest'
import { configs } from '@sam/core'
import { trainingStep } from './step.js'

it('trainingStep: drops the residual branches of every TinyViT block, with rates that rise over the stages', () => {
  const { dropRates } = trainingStep(configs['tiny-vit-test'], {
    shape: { images: 1, prompts: 1, points: 2 },
    dropPath: 0.4,
    dropout: 0,
    clipNorm: 1,
    weightDecay: 0.1,
    layerDecay: 0.8,
    accumulate: 1,
    frozenEncoder: false
  })
  const block = (name: string): string => `drop/image_encoder.layers.${name}`
  // Stages of 1, 1, 2 and 1 blocks. The first has rate 0; only blocks with attention have two branches.
  const expected = { '1.blocks.0': 0.1, '2.blocks.0': 0.2, '2.blocks.1': 0.3, '3.blocks.0': 0.4 }
  expect(dropRates).toEqual(
    Object.fromEntries(
      Object.entries(expected).flatMap(([name, rate]) =>
        ['attn', 'mlp'].map(branch => [block(`${name}.${branch}`), expect.closeTo(rate, 9) as number])
      )
    )
  )
})
