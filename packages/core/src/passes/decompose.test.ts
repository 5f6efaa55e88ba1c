import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { disagreement, samples } from '../../test/random-graph.js'
import { graph, valuesOf } from '../ir/graph.js'
import { print } from '../ir/print.js'
import { input, param } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { decompose } from './decompose.js'
import { rewrite } from './rewrite.js'
import { verify } from './verify.js'

const x = input('x', [2, 4])
const g = graph('g', { y: ops.softmax(ops.linear(x, param('w', [3, 4]))), z: ops.gelu(x) })

describe('decompose', () => {
  it('decomposes recursively what is not kept', () => {
    const qkv = input('q', [1, 2, 3, 4])
    const attended = graph('g', { y: ops.attention([qkv, qkv, qkv]) })
    const composites = (keeps: readonly string[]): string[] =>
      valuesOf(decompose(attended, v => keeps.includes(v.op)))
        .filter(v => v.composite)
        .map(v => v.op)
    expect([composites(['attention']), composites(['softmax']), composites([])]).toEqual([
      ['attention'],
      ['softmax'],
      []
    ])
  })

  it('decides per node with the predicate', () => {
    expect(print(decompose(g, v => v.op !== 'linear'))).toMatchInlineSnapshot(`
      "g(x: f32[2,4])
        %0: f32[4,3] = transpose(w) perm=[1,0]
        %1: f32[2,3] = matmul(x, %0)
        %2: f32[2,3] = softmax(%1) axis=1
        %3: f32[2,4] = gelu(x)
        return y = %2: f32[2,3]
        return z = %3: f32[2,4]"
    `)
  })

  it('returns unchanged nodes', () => {
    expect(decompose(g, () => true).outputs.y).toBe(g.outputs.y)
  })

  it('preserves results', () => {
    fc.assert(
      fc.property(samples, fc.boolean(), ({ graph: random, leaves }, keepsSoftmax) => {
        const decomposed = verify(decompose(random, v => keepsSoftmax && v.op === 'softmax'))
        expect(disagreement(decomposed, random, leaves)).toBe(0)
      }),
      { numRuns: 60 }
    )
  })
})

describe('rewrite', () => {
  it('visits each value once, after its inputs are rewritten', () => {
    const seen: string[] = []
    const y = ops.exp(x)
    const twice = rewrite(graph('g', { a: ops.add(y, y), b: y }), v => {
      seen.push(v.op)
      return v.op === 'exp' ? ops.neg(v.inputs[0]) : v
    })
    expect(seen).toEqual(['input', 'exp', 'add'])
    expect(twice.outputs.a.inputs).toEqual([twice.outputs.b, twice.outputs.b])
    expect(twice.outputs.b.op).toBe('neg')
  })
})
