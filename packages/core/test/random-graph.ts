import fc from 'fast-check'
import { graph, type Graph } from '../src/ir/graph.js'
import { constant, input, nameOf, param, type Value } from '../src/ir/value.js'
import * as ops from '../src/ops/index.js'
import { evaluate } from '../src/reference/evaluate.js'
import { f32, type HostTensor } from '../src/tensor/tensor.js'
import { maxError } from '../src/testing/compare.js'
import { randomTensor } from '../src/testing/random.js'

/** A graph and the tensors of its leaves. */
export interface Sample {
  readonly graph: Graph
  readonly leaves: Readonly<Record<string, HostTensor>>
}

const [x, y, p, q] = [input('x', [2, 3, 4]), input('y', [4]), param('p', [3, 4]), param('q', [2, 3, 4])]
const leaves: Sample['leaves'] = Object.fromEntries(
  [x, y, p, q].map((v, i) => [nameOf(v)!, randomTensor(v.shape, { seed: i })])
)
const start = [
  x,
  y,
  p,
  q,
  constant(f32([3, 1], [0.5, -1, 2])),
  constant(f32([4], [1, 0, -0, 3])),
  ops.fill([2, 3, 4], 0.25)
]

/**
 * Steps that extend a pool of values. Magnitudes stay near 1, so that rounding errors of folded constants are small. A
 * step that does not fit its operands is skipped.
 */
const steps: readonly ((a: Value, b: Value, n: number) => Value)[] = [
  a => ops.neg(a),
  a => ops.sin(a),
  a => ops.erf(a),
  a => ops.exp(ops.neg(ops.abs(a))),
  (a, b) => ops.mul(ops.add(a, b), 0.5),
  (a, b) => ops.sin(ops.sub(a, b)),
  (a, b) => ops.sin(ops.mul(a, b)),
  (a, b) => ops.max(a, b),
  (a, b) => ops.where(ops.less(a, b), a, 0.5),
  (a, _, n) => ops.mean(a, [n % a.shape.length]),
  (a, _, n) => ops.reduceMax(a, [n % a.shape.length]),
  (a, b) => ops.sin(ops.matmul(a, ops.swap(b))),
  a => ops.swap(a),
  (a, _, n) =>
    ops.transpose(
      a,
      [...a.shape.keys()].map(i => (i + n) % a.shape.length)
    ),
  a => ops.reshape(a, [-1]),
  a => ops.reshape(a, [1, ...a.shape]),
  a => ops.reshape(a, [...a.shape, 1]),
  (a, b) => ops.broadcastTo(a, b.shape),
  (a, _, n) => ops.slice(a, n % a.shape.length, { start: 0, size: 1 }),
  a => ops.pad(a, { before: a.shape.map(() => 1), after: a.shape.map(() => 0), value: 0.5 }),
  (a, b) => ops.concat([a, b], -1),
  (a, _, n) => ops.gather(a, ops.indices([0, 0]), n % a.shape.length),
  a => ops.relu(a),
  a => ops.sigmoid(a),
  a => ops.gelu(a),
  (a, _, n) => ops.softmax(a, n % a.shape.length),
  (a, b) => ops.sin(ops.linear(a, b)),
  a => ops.layerNorm(a, [ops.fill([a.shape.at(-1)!], 1), ops.fill([a.shape.at(-1)!], 0)], { eps: 0.1 })
]

/**
 * Random graphs over two inputs and two weights: movement, arithmetic, composites, several outputs, values used many
 * times or not at all.
 */
export const samples: fc.Arbitrary<Sample> = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(steps.length - 1), fc.nat(999), fc.nat(999)), { minLength: 1, maxLength: 16 }),
    fc.integer({ min: 1, max: 4 })
  )
  .map(([program, outputs]) => {
    const pool = [...start]
    for (const [step, i, j] of program) {
      try {
        const value = steps[step](pool[i % pool.length], pool[j % pool.length], j)
        if (value.shape.length <= 6 && value.shape.reduce((n, d) => n * d, 1) <= 2000) pool.push(value)
      } catch {
        /* the operands do not fit */
      }
    }
    return {
      graph: graph('random', Object.fromEntries(pool.slice(-outputs).map((v, i) => [`y${i}`, v])), [x, y]),
      leaves
    }
  })

/** Evaluates a graph with the reference evaluator. */
export const compute = (g: Graph, tensors: Sample['leaves']): ReturnType<typeof evaluate> =>
  evaluate(g, leaf => tensors[nameOf(leaf)!])

/** The largest difference of two graphs' outputs; Infinity if their signatures differ. */
export function disagreement(a: Graph, b: Graph, tensors: Sample['leaves']): number {
  const [found, expected] = [compute(a, tensors), compute(b, tensors)]
  if (`${Object.keys(found)}` !== `${Object.keys(expected)}` || `${a.inputs.map(nameOf)}` !== `${b.inputs.map(nameOf)}`)
    return Infinity
  return Math.max(
    0,
    ...Object.keys(expected).map(name =>
      `${found[name].shape}${found[name].dtype}` === `${expected[name].shape}${expected[name].dtype}`
        ? maxError(found[name].data, expected[name].data)
        : Infinity
    )
  )
}
