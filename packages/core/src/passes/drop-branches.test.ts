import { describe, expect, it } from 'vitest'
import { graph, valuesOf } from '../ir/graph.js'
import { print } from '../ir/print.js'
import { input } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { tinyTest } from '../sam/config.js'
import { decodeMasks, encodeImage } from '../sam/graphs.js'
import { decompose } from './decompose.js'
import { dropBranches } from './drop-branches.js'

const x = input('x', [2, 3, 4])
const first = ops.residual(x, ops.exp(x), { branch: 'layers.0', layer: 0 })
const g = graph('g', { y: ops.residual(first, ops.sin(first), { branch: 'layers.1', layer: 1 }) })

describe('dropBranches', () => {
  it('multiplies branches by inputs, per sample or per element, and returns their probabilities', () => {
    const { graph: dropped, rates } = dropBranches(g, { rates: [0, 0.5], per: 'sample' })
    expect(rates).toEqual({ 'drop/layers.1': 0.5 })
    expect(print(dropped)).toMatchInlineSnapshot(`
      "g(x: f32[2,3,4], drop/layers.1: f32[2,1,1])
        %0: f32[2,3,4] = exp(x)
        %1: f32[2,3,4] = residual(x, %0) branch=layers.0 layer=0
        %2: f32[2,3,4] = sin(%1)
        %3: f32[2,3,4] = broadcast(drop/layers.1) shape=[2,3,4]
        %4: f32[2,3,4] = mul(%2, %3)
        %5: f32[2,3,4] = add(%1, %4)
        return y = %5: f32[2,3,4]"
    `)
    const elements = dropBranches(g, { rates: 0.1, per: 'element' })
    expect(elements.rates).toEqual({ 'drop/layers.0': 0.1, 'drop/layers.1': 0.1 })
    expect(elements.graph.inputs.map(v => v.shape)).toEqual([x.shape, x.shape, x.shape])
  })

  it('rejects a layer without a rate', () =>
    expect(() => dropBranches(g, { rates: [0.1], per: 'sample' })).toThrow(
      'g: rates must have one for each layer, found 1 and layer 1 of layers.1'
    ))

  it('finds every branch of SAM under a unique name, and leaves no trace once decomposed', () => {
    const click = decodeMasks(tinyTest, { prompts: 1, points: 2 })
    const [blocks, layers] = [4, 2]
    expect(Object.keys(dropBranches(encodeImage(tinyTest), { rates: 0.1, per: 'sample' }).rates)).toHaveLength(
      2 * blocks
    )
    // The first layer has no residual around its self-attention; a final attention follows the layers.
    expect(Object.keys(dropBranches(click, { rates: 0.1, per: 'element' }).rates)).toHaveLength(4 * layers - 1 + 1)
    const marks = valuesOf(click).filter(v => v.op === 'residual').length
    const sums = (of: typeof click): number => valuesOf(of).filter(v => v.op === 'add').length
    expect(sums(decompose(click, v => v.op !== 'residual'))).toBe(sums(click) + marks)
  })
})
