import { expect, it } from 'vitest'
import { nameOf } from '../src/ir/value.js'
import { evaluate } from '../src/reference/evaluate.js'
import { checkTinyVitOutputs, tinyVitGraph, tinyVitImage, tinyVitWeights } from './tiny-vit.js'

it('TinyViT: every stage and the embedding are those of the public PyTorch code', async () => {
  const source = tinyVitWeights()
  const weights = Object.fromEntries(
    await Promise.all(source.names.map(async name => [name, await source.read(name)] as const))
  )
  const outputs = evaluate(tinyVitGraph(), leaf => (leaf.op === 'param' ? weights[nameOf(leaf)!] : tinyVitImage()))
  const found = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]))
  await checkTinyVitOutputs(found)
  const wrong = { ...found, block2: found.block2.map(v => v + 1e-4) }
  await expect(checkTinyVitOutputs(wrong)).rejects.toThrow('block2')
})
