import { describe, expect, it } from 'vitest'
import { GraphError } from '../errors.js'
import { add, exp, mul, neg } from '../ops/build.js'
import { decompose } from '../passes/decompose.js'
import { simplify } from '../passes/simplify.js'
import { stage } from '../passes/stage.js'
import { verify } from '../passes/verify.js'
import { evaluate } from '../reference/evaluate.js'
import { f32 } from '../tensor/tensor.js'
import { graph, paramsOf, toposort, useCounts, valuesOf } from './graph.js'
import { print } from './print.js'
import { input, nameOf, param, type Value } from './value.js'

const x = input('x', [2])

describe('graph', () => {
  it('collects its inputs, with declared ones in order, and its params by first use', () => {
    const [a, b, p, q] = [input('a', [2]), input('b', [2]), param('p', [2]), param('q', [2])]
    const g = graph('g', { y: add(mul(q, x), add(p, q)) }, [b, a])
    expect(g.inputs.map(nameOf)).toEqual(['b', 'a', 'x'])
    expect(paramsOf(g).map(nameOf)).toEqual(['q', 'p'])
    expect(Object.isFrozen(g) && Object.isFrozen(g.inputs) && Object.isFrozen(g.outputs)).toBe(true)
  })

  it('rejects one name for two tensors', () => {
    expect(() => graph('g', { y: add(x, 1), z: neg(input('x', [3])) })).toThrow(
      'g: one input must have one shape and type, found f32[2] (x) and f32[3] (x)'
    )
    expect(() => graph('g', { y: add(x, param('p', [2])), z: neg(param('p', [1, 2])) })).toThrow(GraphError)
    expect(() => graph('g', {}, [x, input('x', [2], 'i32')])).toThrow(GraphError)
    // A param and an input may have the same name.
    expect(graph('g', { y: add(x, input('x', [2])), z: param('x', [5]) }).inputs).toHaveLength(1)
  })

  it('counts uses, including outputs', () => {
    const y = mul(x, x)
    const z = add(y, x)
    const counts = useCounts(graph('g', { y, z, again: z }))
    expect([x, y, z].map(v => counts.get(v))).toEqual([3, 2, 2])
  })
})

describe('toposort', () => {
  it('orders each value once, after its inputs, and stops at known values', () => {
    const a = exp(x)
    const b = mul(a, a)
    const c = add(b, a)
    expect(toposort([c, a])).toEqual([x, a, b, c])
    expect(toposort([c], [b])).toEqual([x, a, c])
    expect(toposort([c], [c])).toEqual([])
  })

  it('traverses a graph 20,000 values deep without stack overflow, as every pass does', () => {
    let y: Value = x
    for (let i = 0; i < 20_000; i++) y = neg(y)
    const g = graph('deep', { y })
    expect(valuesOf(g)).toHaveLength(20_001)
    const passed = stage(verify(simplify(decompose(g, () => false))), ['x'])
    expect(valuesOf(passed.early)).toHaveLength(20_001)
    expect(print(g).split('\n')).toHaveLength(20_002)
    expect([...evaluate(g, () => f32([2], [1, 2])).y.data]).toEqual([1, 2])
  })
})
