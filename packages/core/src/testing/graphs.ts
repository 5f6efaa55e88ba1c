import { graph } from '../ir/graph.js'
import { constant } from '../ir/value.js'
import * as ops from '../ops/index.js'
import { f32 } from '../tensor/tensor.js'
import { conformanceCase, type ConformanceCase } from './case.js'

/** Graphs of several operations: errors of a lowering that single operations do not show. */
export const graphCases = (): ConformanceCase[] => [
  conformanceCase('several outputs, one on the way to another', t => {
    const x = t.input([3, 4])
    const y = ops.exp(x)
    return { last: ops.reduceSum(ops.mul(y, x), [1]), middle: y, first: ops.neg(x) }
  }),
  conformanceCase('an input as output', t => {
    const x = t.input([2, 3])
    return { same: x, other: ops.neg(x) }
  }),
  conformanceCase('nothing but an input', t => t.input([2, 3])),
  conformanceCase('a weight as output', t => {
    const p = t.param([2, 3])
    return { same: p, other: ops.add(p, t.input([3])) }
  }),
  conformanceCase('nothing but a weight', t => t.param([4])),
  conformanceCase('a constant as output', t => ({
    constant: constant(f32([3], [1, 2, 3])),
    repeated: ops.fill([2, 2], 7),
    y: ops.neg(t.input([2]))
  })),
  conformanceCase('nothing but constants', () => ({
    f32: ops.fill([2, 3], 0.5),
    i32: ops.indices([3, 1]),
    scalar: ops.scalar(4)
  })),
  conformanceCase('one value under two names', t => {
    const y = ops.exp(t.input([3]))
    return { a: y, b: y }
  }),
  conformanceCase('one input under two names', t => {
    const x = t.input([3])
    return { a: x, b: x }
  }),
  conformanceCase('equal values that were built twice', t => {
    const x = t.input([3])
    return { a: ops.exp(x), b: ops.exp(x) }
  }),
  unusedInput(),
  conformanceCase('bool and i32 outputs', t => {
    const x = t.input([5])
    return { bool: ops.less(x, 0), i32: ops.cast(ops.mul(x, 10), 'i32'), f32: x }
  }),
  conformanceCase('one broadcast, many kinds of consumers', t => {
    const row = ops.broadcastTo(t.input([1, 4]), [3, 4])
    const x = t.input([3, 4])
    return {
      add: ops.add(row, x),
      product: ops.matmul(row, ops.swap(x)),
      sum: ops.reduceSum(row, [0]),
      joined: ops.concat([row, x], 0),
      reshaped: ops.reshape(row, [12]),
      chosen: ops.where(ops.less(row, x), row, x),
      moved: ops.transpose(row, [1, 0]),
      itself: row
    }
  }),
  conformanceCase('a broadcast of a broadcast', t =>
    ops.add(ops.broadcastTo(ops.broadcastTo(t.input([1, 1, 4]), [1, 3, 4]), [2, 3, 4]), 1)
  ),
  conformanceCase('two broadcasts meet', t =>
    ops.mul(ops.broadcastTo(t.input([3, 1]), [3, 4]), ops.broadcastTo(t.input([4]), [3, 4]))
  ),
  conformanceCase('work on weights alone', t => {
    const table = ops.gather(t.param([7, 3]), ops.indices([6, 5, 4, 5, 4, 3]), 0)
    const positions = ops.sin(ops.mul(t.param([4, 3]), 2 * Math.PI))
    return {
      mixed: ops.add(ops.matmul(t.input([2, 3]), ops.swap(table)), 1),
      alone: positions,
      scaled: ops.mul(positions, t.input([1, 3]))
    }
  }),
  conformanceCase('one weight in two places', t => {
    const [x, p] = [t.input([3, 5]), t.param([5])]
    return ops.add(ops.mul(x, p), ops.linear(x, ops.broadcastTo(p, [5, 5]), p))
  }),
  conformanceCase('movement of movement of movement', t =>
    ops.reshape(ops.transpose(ops.reshape(ops.transpose(t.input([2, 3, 4]), [1, 0, 2]), [6, 4]), [1, 0]), [2, 12])
  ),
  conformanceCase('deep: two hundred additions', t => {
    const x = t.input([3])
    return Array.from({ length: 200 }).reduce<typeof x>(y => ops.add(ops.mul(y, 0.5), x), x)
  }),
  conformanceCase('wide: a value with forty uses', t => {
    const x = t.input([4])
    return ops.concat(
      Array.from({ length: 40 }, (_, i) => ops.mul(x, i)),
      0
    )
  }),
  conformanceCase('odd names of outputs', t => {
    const x = t.input([2])
    return { 'a b': ops.neg(x), 'layer.0/out:1': ops.exp(x), x0: ops.add(x, 1), µ: ops.mul(x, 2) }
  }),
  conformanceCase('gradient-like: scatter what was gathered', t => {
    const index = t.input([5], { dtype: 'i32', values: [3, 0, 3, 3, 1] })
    return ops.scatterAdd(ops.gather(t.input([4, 3]), index, 0), index, { axis: 0, size: 4 })
  })
]

/** An unused input must still be fed: the signature is as declared. */
function unusedInput(): ConformanceCase {
  const c = conformanceCase('an input that nothing uses', t => ({ used: ops.neg(t.input([2])), unused: t.input([3]) }))
  return { ...c, graph: graph('conformance', { y: c.graph.outputs.used }, c.graph.inputs) }
}
