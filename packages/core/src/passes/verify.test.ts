import { describe, expect, it } from 'vitest'
import { graph, type Graph } from '../ir/graph.js'
import { input, param, type Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { tinyTest } from '../sam/config.js'
import { decodeMasks, encodeImage, upscaleMasks } from '../sam/graphs.js'
import { decompose } from './decompose.js'
import { simplify } from './simplify.js'
import { stage } from './stage.js'
import { verify } from './verify.js'

const x = input('x', [2, 3])
const broken = (y: Value): Graph => graph('broken', { y: ops.neg(y) }, [x])

describe('verify', () => {
  it('accepts every graph of SAM, fused, decomposed, simplified and staged', () => {
    for (const g of [
      encodeImage(tinyTest),
      decodeMasks(tinyTest, { prompts: 2, points: 3, tokens: 1, masks: true }),
      upscaleMasks(tinyTest, { prompts: 1, masks: 3, inputSize: [85, 128], originalSize: [10, 15] })
    ]) {
      verify(g)
      const decomposed = verify(decompose(g, () => false))
      const { early, late } = stage(verify(simplify(decomposed)), [])
      verify(early)
      verify(late)
    }
  })

  it('rejects a node that violates its rule', () => {
    expect(() => verify(broken({ ...ops.transpose(x, [1, 0]), shape: [2, 3] }))).toThrow(
      'broken: transpose of f32[2,3] (x) must be f32[3,2], found f32[2,3] (transpose)'
    )
    expect(() => verify(broken({ ...ops.less(x, x), dtype: 'f32' }))).toThrow(
      'must be bool[2,3], found f32[2,3] (less)'
    )
    expect(() => verify(broken({ ...ops.softmax(x), shape: [2] }))).toThrow(
      'softmax of f32[2,3] (x) must be f32[2,3], found f32[2] (softmax)'
    )
  })

  it('rejects invalid operands', () => {
    expect(() => verify(broken({ ...ops.add(x, x), inputs: [x, param('bias', [3])] }))).toThrow(
      'add: operands must have one shape, found f32[2,3] (x) and f32[3] (bias)'
    )
    expect(() => verify(broken({ ...ops.exp(x), op: 'sinh' }))).toThrow(
      'sinh must be a primitive or carry its composite'
    )
  })

  it('rejects an undeclared input', () => {
    expect(() => verify({ ...graph('g', { y: ops.neg(x) }), inputs: [] })).toThrow('g: input x must be declared')
  })
})
