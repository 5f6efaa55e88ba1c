import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compute, disagreement, samples } from '../../test/random-graph.js'
import { graph, valuesOf } from '../ir/graph.js'
import { print } from '../ir/print.js'
import { constant, input, param, type Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { f32, full, tensor } from '../tensor/tensor.js'
import { decompose } from './decompose.js'
import { simplify } from './simplify.js'
import { verify } from './verify.js'

const x = input('x', [2, 3])
const simple = (outputs: Record<string, Value>) => simplify(graph('g', outputs))
const only = (y: Value): Value => simple({ y }).outputs.y

describe('simplify', () => {
  it('merges equal values: leaves by name, constants by content, others by structure', () => {
    const { a, b, c, d } = simple({
      a: ops.exp(ops.add(x, 1)),
      b: ops.exp(ops.add(input('x', [2, 3]), 1)),
      c: ops.exp(ops.add(x, 2)),
      d: ops.mul(param('p', []), param('p', []))
    }).outputs
    expect(a).toBe(b)
    expect(a).not.toBe(c)
    expect(d.inputs[0]).toBe(d.inputs[1])
    const s = simple({ first: ops.softmax(x, 0), again: ops.softmax(x, 0), other: ops.softmax(x, 1) }).outputs
    expect([s.first === s.again, s.first === s.other]).toEqual([true, false])
  })

  it('distinguishes 0 from −0, and types', () => {
    const y = simple({
      zero: ops.div(1, ops.max(constant(f32([], [0])), x)),
      minus: ops.div(1, ops.max(constant(f32([], [-0])), x))
    })
    expect(y.outputs.zero).not.toBe(y.outputs.minus)
    const z = simple({
      f: ops.where(ops.less(x, 0), 0, 1),
      i: ops.where(ops.less(x, 0), ops.scalar(0, 'i32'), ops.scalar(1, 'i32'))
    })
    expect([z.outputs.f.dtype, z.outputs.i.dtype]).toEqual(['f32', 'i32'])
  })

  it('removes movements without effect', () => {
    expect(only(ops.reshape(ops.reshape(x, [6]), [2, 3]))).toMatchObject({ op: 'input' })
    expect(only(ops.transpose(ops.transpose(x, [1, 0]), [1, 0]))).toMatchObject({ op: 'input' })
    expect(only(ops.reshape(ops.reshape(ops.reshape(x, [3, 2]), [6]), [1, 6]))).toMatchObject({
      op: 'reshape',
      inputs: [{ op: 'input' }],
      shape: [1, 6]
    })
    expect(only(ops.transpose(input('y', [1, 5, 1, 7]), [1, 0, 3, 2]))).toMatchObject({
      op: 'reshape',
      shape: [5, 1, 7, 1]
    })
    expect(only(ops.transpose(input('y', [2, 3, 4]), [2, 0, 1]))).toMatchObject({ op: 'transpose' })
    expect(only(ops.transpose(ops.transpose(input('y', [2, 3, 4]), [2, 0, 1]), [2, 0, 1])).attrs.perm).toEqual([
      1, 2, 0
    ])
  })

  it('folds constants, but does not materialise a broadcast', () => {
    const folded = only(
      ops.mul(ops.add(constant(f32([2], [1, 2])), constant(f32([2], [10, 20]))), constant(f32([2], [2, 2])))
    )
    expect(folded.attrs.tensor).toEqual(f32([2], [22, 44]))
    expect(only(ops.fill([100, 100], 0.5))).toMatchObject({ op: 'broadcast' })
    const [column, row] = [constant(full('f32', [300, 1], 2)), constant(full('f32', [1, 300], 3))]
    expect(only(ops.matmul(row, column)).attrs.tensor).toEqual(f32([1, 1], [1800]))
    expect(only(ops.matmul(column, row))).toMatchObject({ op: 'matmul' }) // 90,000 values from 600: left to the device
  })

  it('folds f16 to f16', () => {
    expect(only(ops.cast(constant(f32([2], [1, -2])), 'f16')).attrs.tensor).toEqual(
      tensor('f16', [2], [0x3c00, 0xc000])
    )
    expect(only(ops.cast(constant(tensor('f16', [1], [0x3555])), 'f32')).attrs.tensor).toEqual(
      f32([1], [0.333251953125])
    )
  })

  it('removes dead values, and keeps declared inputs', () => {
    const g = simplify(graph('g', { y: ops.neg(x) }, [x, input('unused', [1])]))
    expect(print(g)).toBe('g(x: f32[2,3], unused: f32[1])\n  %0: f32[2,3] = neg(x)\n  return y = %0: f32[2,3]')
  })

  it('preserves results and never grows a graph', () => {
    fc.assert(
      fc.property(samples, ({ graph: g, leaves }) => {
        const decomposed = decompose(g, () => false)
        for (const from of [g, decomposed]) {
          const to = verify(simplify(from))
          expect(disagreement(to, g, leaves)).toBeLessThan(1e-5)
          expect(valuesOf(to).length).toBeLessThanOrEqual(valuesOf(from).length)
        }
      }),
      { numRuns: 100 }
    )
  })

  it('is tested on non-trivial graphs', () => {
    const drawn = fc.sample(samples, { numRuns: 100, seed: 1 })
    expect(new Set(drawn.flatMap(s => valuesOf(s.graph).map(v => v.op))).size).toBeGreaterThan(25)
    expect(drawn.every(s => Object.values(compute(s.graph, s.leaves)).every(t => t.data.every(Number.isFinite)))).toBe(
      true
    )
  })
})
