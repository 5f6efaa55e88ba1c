import { expect, it } from 'vitest'
import { nameOf, type Value } from '../src/ir/value.js'
import { evaluate } from '../src/reference/evaluate.js'
import { tinyVitTest } from '../src/sam/config.js'
import { encodeImage } from '../src/sam/graphs.js'
import { f32 } from '../src/tensor/tensor.js'
import { hashFill } from '../src/weights/hash-fill.js'
import { maxDifference, openFixture } from './tiny-io.js'

it('TinyViT: every stage and the embedding are those of the public PyTorch code', async () => {
  const io = await openFixture('tiny-vit-io.safetensors')
  const filled = ({ name, shape, by = 1 }: { name: string; shape: readonly number[]; by?: number }) =>
    f32(
      shape,
      hashFill({ name, shape }, 2023).map(v => by * v)
    )
  const found = evaluate(encodeImage(tinyVitTest, { blocks: true }), (leaf: Value) =>
    filled({ name: nameOf(leaf)!, shape: leaf.shape, by: leaf.op === 'input' ? 100 : 1 })
  )
  expect(Object.keys(found).sort()).toEqual([...io.names].sort())
  for (const [name, { data }] of Object.entries(found)) {
    const sampled = data.filter((_, i) => i % 7 === 0)
    expect(maxDifference(sampled, (await io.read(name)).data), name).toBeLessThan(2e-5)
  }
})
