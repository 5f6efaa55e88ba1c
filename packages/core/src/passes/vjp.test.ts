import { describe, expect, it } from 'vitest'
import { graph, toposort } from '../ir/graph.js'
import { print } from '../ir/print.js'
import { constant, input, param, type Composite, type Value } from '../ir/value.js'
import * as composites from '../ops/composites/index.js'
import * as ops from '../ops/index.js'
import { traits } from '../ops/primitives.js'
import { evaluate } from '../reference/evaluate.js'
import { sizeOf, type Shape } from '../tensor/shape.js'
import { f32, tensor } from '../tensor/tensor.js'
import { maxError } from '../testing/compare.js'
import { gradcheck, varied } from '../testing/gradcheck.js'
import { decompose } from './decompose.js'
import { differentiate } from './differentiate.js'
import { simplify } from './simplify.js'
import { type vjp } from './vjp.js'

interface Case {
  readonly f: (...x: Value[]) => Value
  readonly shapes: readonly Shape[]
  readonly values?: readonly ArrayLike<number>[]
}

const positive = [[0.3, 1.2, 2, 0.7, 4, 1.1]]
const index = ops.indices([2, 0, 2])
const condition = constant(tensor('bool', [2, 3], [1, 0, 0, 1, 1, 0]))

/**
 * A case for each row of the table except stopGradient. Typed, so that a new primitive without a case does not compile.
 */
const rows: { readonly [P in Exclude<keyof typeof vjp, 'stopGradient'>]: Case } = {
  neg: { f: ops.neg, shapes: [[2, 3]] },
  exp: { f: ops.exp, shapes: [[2, 3]] },
  log: { f: ops.log, shapes: [[2, 3]], values: positive },
  sqrt: { f: ops.sqrt, shapes: [[2, 3]], values: positive },
  sin: { f: ops.sin, shapes: [[2, 3]] },
  cos: { f: ops.cos, shapes: [[2, 3]] },
  erf: { f: ops.erf, shapes: [[2, 3]] },
  // Casts between floats round, which breaks finite differences; they are tested further down.
  cast: { f: x => ops.mul(x, ops.cast(ops.less(x, 0.3), 'f32')), shapes: [[2, 3]] },
  add: { f: ops.add, shapes: [[2, 3], [3]] },
  sub: {
    f: ops.sub,
    shapes: [
      [2, 1],
      [2, 3]
    ]
  },
  mul: {
    f: (a, b) => ops.mul(a, ops.mul(b, a)),
    shapes: [
      [2, 3],
      [2, 1]
    ]
  },
  div: { f: ops.div, shapes: [[2, 3], [3]] },
  max: {
    f: ops.max,
    shapes: [
      [2, 3],
      [2, 3]
    ]
  },
  less: {
    f: (a, b) => ops.where(ops.less(a, b), ops.square(a), ops.mul(b, 3)),
    shapes: [
      [2, 3],
      [2, 3]
    ]
  },
  equal: {
    f: (a, b) => ops.where(ops.equal(a, b), ops.square(a), ops.mul(b, 3)),
    shapes: [
      [2, 3],
      [2, 3]
    ],
    values: [
      [0.5, 1, -1, 2, 3, 4],
      [1, 0.5, 2, -1, 4, 3]
    ]
  },
  where: { f: (a, b) => ops.where(condition, a, b), shapes: [[2, 3], [3]] },
  reduceSum: { f: x => ops.reduceSum(x, [0, 2]), shapes: [[2, 3, 2]] },
  reduceMax: { f: x => ops.reduceMax(x, [0, 2]), shapes: [[2, 3, 2]] },
  matmul: {
    f: ops.matmul,
    shapes: [
      [2, 2, 3],
      [3, 4]
    ]
  },
  reshape: { f: x => ops.reshape(x, [3, 2]), shapes: [[2, 3]] },
  transpose: { f: x => ops.transpose(x, [2, 0, 1]), shapes: [[2, 3, 4]] },
  broadcast: { f: x => ops.broadcastTo(x, [4, 2, 3]), shapes: [[2, 1]] },
  slice: { f: x => ops.slice(ops.slice(x, 1, { start: 1, size: 2 }), 0, { start: 0, size: 1 }), shapes: [[2, 4]] },
  pad: { f: x => ops.pad(x, { before: [1, 0], after: [0, 2], value: 3 }), shapes: [[2, 2]] },
  concat: {
    f: (a, b) => ops.concat([a, b, a], 1),
    shapes: [
      [2, 2],
      [2, 3]
    ]
  },
  gather: { f: x => ops.gather(x, index, 1), shapes: [[2, 4]] },
  scatterAdd: { f: x => ops.scatterAdd(x, index, { axis: 0, size: 4 }), shapes: [[3, 2]] }
}

/** Composites in every form that their vjp or decomposition distinguishes. */
const compositeForms: Record<string, Case> = {
  linear: { f: ops.linear, shapes: [[2, 2, 3], [4, 3], [4]] },
  'linear of a vector': { f: ops.linear, shapes: [[3], [4, 3], [4]] },
  'linear without bias': {
    f: ops.linear,
    shapes: [
      [2, 3],
      [4, 3]
    ]
  },
  relu: { f: ops.relu, shapes: [[2, 3]] },
  sigmoid: { f: ops.sigmoid, shapes: [[2, 3]] },
  softplus: { f: ops.softplus, shapes: [[2, 3]] },
  gelu: { f: ops.gelu, shapes: [[2, 3]] },
  softmax: { f: x => ops.softmax(x, 1), shapes: [[2, 3, 2]] },
  'softmax over the last axis': { f: x => ops.softmax(x), shapes: [[2, 3]] },
  layerNorm: { f: (x, w, b) => ops.layerNorm(x, [w, b], { eps: 1e-3 }), shapes: [[2, 2, 4], [4], [4]] },
  'layerNorm of channels': {
    f: (x, w, b) => ops.layerNorm(x, [w, b], { axis: 1, eps: 1e-3 }),
    shapes: [[2, 3, 2], [3], [3]]
  },
  attention: {
    f: (q, k, v) => ops.attention([q, k, v]),
    shapes: [
      [2, 2, 3, 2],
      [2, 2, 4, 2],
      [2, 2, 4, 2]
    ]
  },
  'attention of one image by many prompts': {
    f: (q, k, v) => ops.attention([q, k, v]),
    shapes: [
      [3, 2, 2, 2],
      [1, 2, 4, 2],
      [1, 2, 4, 2]
    ]
  },
  'attention with a mask': {
    f: (q, k, v, mask) => ops.attention([q, k, v], { mask: mask }),
    shapes: [
      [2, 1, 3, 2],
      [2, 1, 4, 2],
      [2, 1, 4, 2],
      [2, 1, 1, 4]
    ]
  },
  'attention with a full mask and a scale': {
    f: (q, k, v, mask) => ops.attention([q, k, v], { mask: mask, scale: 0.3 }),
    shapes: [
      [1, 2, 3, 2],
      [1, 2, 4, 2],
      [1, 2, 4, 3],
      [1, 2, 3, 4]
    ]
  },
  'attention with relative positions': {
    f: (q, k, v, h, w) => ops.attention([q, k, v], { relPos: [h, w] }),
    shapes: [
      [1, 2, 4, 2],
      [1, 2, 6, 2],
      [1, 2, 6, 2],
      [1, 2, 4, 2],
      [1, 2, 4, 3]
    ]
  },
  'crossAttention with a mask': {
    f: (q, kv, a, b, c, d, bias, mask) =>
      ops.crossAttention([q, kv, kv], {
        heads: 2,
        projections: { q: [a, bias], k: [b, bias], v: [c, bias], out: [d, bias] },
        mask
      }),
    shapes: [[2, 3, 4], [1, 2, 4], [4, 4], [4, 4], [4, 4], [4, 4], [4], [2, 1, 1, 2]]
  },
  'gridAttention in windows': {
    f: (qkv, border, h, w) => ops.gridAttention(qkv, { heads: 2, window: 2, border: border, relPos: [h, w] }),
    shapes: [[1, 3, 2, 12], [12], [3, 2], [3, 2]]
  },
  'gridAttention, global': {
    f: (qkv, border, h, w) => ops.gridAttention(qkv, { heads: 1, window: 0, border: border, relPos: [h, w] }),
    shapes: [[1, 2, 3, 6], [6], [3, 2], [5, 2]]
  },
  windowPartition: { f: (x, border) => ops.windowPartition(x, 2, border), shapes: [[1, 3, 3, 2], [2]] },
  windowUnpartition: { f: x => ops.windowUnpartition(x, [3, 3]), shapes: [[4, 2, 2, 2]] },
  'conv2d, kernel = stride': {
    f: (x, w, b) => ops.conv2d(x, [w, b], { stride: 2 }),
    shapes: [[1, 4, 5, 2], [3, 2, 2, 2], [3]]
  },
  'windowAttention on a grid of padded windows': {
    f: (qkv, border, table) =>
      ops.windowAttention(qkv, { heads: 2, window: 2, border, bias: ops.windowBias(table, 2) }),
    shapes: [[1, 3, 2, 12], [12], [2, 4]]
  },
  'conv2d, depthwise': {
    f: (x, w, b) => ops.conv2d(x, [w, b], { padding: 1, groups: 3 }),
    shapes: [[1, 3, 2, 3], [3, 1, 3, 3], [3]]
  },
  'conv2d, depthwise with stride 2': {
    f: (x, w) => ops.conv2d(x, [w], { padding: 1, stride: 2, groups: 2 }),
    shapes: [
      [1, 4, 3, 2],
      [2, 1, 3, 3]
    ]
  },
  'conv2d in groups': {
    f: (x, w) => ops.conv2d(x, [w], { padding: 1, groups: 2 }),
    shapes: [
      [1, 2, 3, 4],
      [4, 2, 3, 3]
    ]
  },
  'conv2d with padding': {
    f: (x, w) => ops.conv2d(x, [w], { padding: 1 }),
    shapes: [
      [2, 3, 4, 2],
      [2, 2, 3, 3]
    ]
  },
  convTranspose2d: { f: (x, w, b) => ops.convTranspose2d(x, [w, b]), shapes: [[1, 2, 3, 2], [2, 3, 2, 2], [3]] },
  resizeBilinear: { f: x => ops.resizeBilinear(x, [5, 3]), shapes: [[2, 3, 4]] },
  residual: {
    f: (x, branch) => ops.residual(x, branch, { branch: 'mlp', layer: 0 }),
    shapes: [
      [2, 3],
      [2, 3]
    ]
  }
}

const sugar: Record<string, Case> = {
  abs: { f: ops.abs, shapes: [[2, 3]] },
  min: {
    f: ops.min,
    shapes: [
      [2, 3],
      [2, 3]
    ]
  }
}

/** The value of a case on params x0, x1, …, and the operations in it. */
const valueOf = ({ f, shapes }: Case): Value => f(...shapes.map((shape, i) => param(`x${i}`, shape)))
const opsOf = (c: Case): string[] => toposort([valueOf(c)]).map(v => v.op)

describe('vjp against central differences', () => {
  for (const [name, { f, shapes, values }] of Object.entries({ ...rows, ...compositeForms, ...sugar })) {
    it(name, () => expect(gradcheck(f, shapes, values ? { values } : {})).toBeLessThan(1e-7))
  }

  it('has a case for every primitive, and each case has its primitive', () => {
    expect([...Object.keys(rows), 'stopGradient'].sort()).toEqual(Object.keys(traits).sort())
    for (const [name, c] of Object.entries(rows)) expect(opsOf(c), name).toContain(name)
  })

  it('has a case for every composite that there is', () => {
    const tried = new Set(Object.values(compositeForms).flatMap(opsOf))
    const helpers = ['relativeTable', 'windowBias', 'groupsOf']
    expect(Object.keys(composites).filter(name => !helpers.includes(name) && !tried.has(name))).toEqual([])
    expect(helpers.filter(name => !(name in composites))).toEqual([])
  })

  it('detects a wrong rule', () => {
    const wrong: Composite = {
      name: 'wrong',
      decompose: ([x]) => ops.square(x),
      vjp: (g, { inputs: [x] }) => [ops.mul(g, x)]
    }
    expect(gradcheck(x => ops.compose(wrong, [x], {}), [[2]])).toBeGreaterThan(0.1)
  })
})

describe('vjp where the derivative is not unique', () => {
  const gradient = (f: (x: Value) => Value, x: number[]): number[] => {
    const y = f(param('x', [x.length]))
    const g = differentiate(graph('choice', { loss: ops.reduceSum(y, [0]) }), { loss: 'loss', wrt: ['x'] })
    return [...evaluate(g, () => f32([x.length], x))['grad/x'].data]
  }
  it('relu has slope 0 at 0, fused or decomposed', () => {
    expect(gradient(ops.relu, [-1, 0, 2])).toEqual([0, 0, 1])
    expect(gradient(x => ops.max(0, x), [-1, 0, 2])).toEqual([0, 0, 1])
  })
  it('splits the gradient between equal maxima', () =>
    expect(gradient(x => ops.reduceMax(x, [0]), [3, 1, 3])).toEqual([0.5, 0, 0.5]))
  it('passes the gradient through casts between floats, not through casts to integers', () => {
    expect(gradient(x => ops.cast(ops.cast(x, 'f16'), 'f32'), [1, 2])).toEqual([1, 1])
    expect(gradient(x => ops.add(x, ops.cast(ops.cast(x, 'i32'), 'f32')), [1, 2])).toEqual([1, 1])
  })
})

describe('differentiate', () => {
  const x = input('x', [2, 3])
  const layer = ops.linear(x, param('weight', [2, 3]), param('bias', [2]))
  const g = graph('g', { loss: ops.reduceSum(ops.square(layer), [0, 1]), layer })

  it('adds a gradient for each requested param, by name or by predicate', () => {
    expect(Object.keys(differentiate(g, { loss: 'loss', wrt: ['bias'] }).outputs)).toEqual([
      'loss',
      'layer',
      'grad/bias'
    ])
    expect(Object.keys(differentiate(g, { loss: 'loss', wrt: () => true }).outputs)).toEqual([
      'loss',
      'layer',
      'grad/weight',
      'grad/bias'
    ])
  })

  it('sums the gradients of all uses of one name', () => {
    const [a, b] = [param('a', [2]), param('a', [2])]
    const twice = graph('twice', { loss: ops.reduceSum(ops.mul(a, ops.mul(b, 3)), [0]) })
    expect([
      ...evaluate(differentiate(twice, { loss: 'loss', wrt: ['a'] }), () => f32([2], [1, 2]))['grad/a'].data
    ]).toEqual([6, 12])
  })

  it('stops at stopGradient, and gives zero without dependence', () => {
    const stopped = graph('stopped', {
      loss: ops.reduceSum(ops.mul(ops.stopGradient(param('a', [2])), param('b', [2])), [0])
    })
    const out = evaluate(differentiate(stopped, { loss: 'loss', wrt: ['a', 'b'] }), () => f32([2], [1, 2]))
    expect([[...out['grad/a'].data], [...out['grad/b'].data]]).toEqual([
      [0, 0],
      [1, 2]
    ])
  })

  it('decomposes only where necessary', () => {
    const frozen = ops.conv2d(input('image', [1, 3, 3, 1]), [param('frozen', [1, 1, 3, 3])], { padding: 1 })
    const trained = ops.conv2d(frozen, [param('trained', [1, 1, 3, 3])], { padding: 1 })
    const text = print(
      differentiate(graph('conv', { loss: ops.reduceSum(trained, [0, 1, 2, 3]) }), { loss: 'loss', wrt: ['trained'] })
    )
    expect(text.match(/= conv2d\(/g)).toHaveLength(1)
    expect(text).toContain('conv2d(image, frozen)')
  })

  it('reports what must hold', () => {
    expect(() => differentiate(g, { loss: 'layer', wrt: ['bias'] })).toThrow('the loss must be one number')
    expect(() => differentiate(g, { loss: 'none', wrt: ['bias'] })).toThrow('the loss must be an output, found none')
    expect(() => differentiate(g, { loss: 'loss', wrt: ['other'] })).toThrow('to differentiate by other')
  })

  it.each(Object.entries(compositeForms))('gives the same gradients fused and decomposed: %s', (_, c) => {
    const y = ops.square(valueOf(c))
    const g = graph('kept', { loss: ops.reduceSum(y, [...y.shape.keys()]) })
    const bind = ({ shape, dtype }: Value) => ({ shape, dtype, data: varied(sizeOf(shape), shape.length) })
    const [own, derived] = [g, decompose(g, () => false)].map(h =>
      evaluate(differentiate(h, { loss: 'loss', wrt: () => true }), bind)
    )
    // Constants of a graph are f32, and the two forms contain different ones.
    for (const name of Object.keys(derived))
      expect(maxError(own[name].data, derived[name].data), name).toBeLessThan(1e-7)
  })
})

/**
 * Decomposed and simplified, as in a backend: the diff shows a rule that creates a huge value or a forward computation
 * that is not shared.
 */
describe('the gradient graph of', () => {
  const show = (y: Value, wrt: readonly string[]): string =>
    print(
      simplify(
        decompose(
          differentiate(graph('of', { loss: ops.reduceSum(ops.square(y), [...y.shape.keys()]) }), {
            loss: 'loss',
            wrt
          }),
          () => false
        )
      )
    )
  it('linear', () =>
    expect(
      show(ops.linear(param('x', [2, 3]), param('weight', [4, 3]), param('bias', [4])), ['x', 'weight', 'bias'])
    ).toMatchSnapshot())
  it('layerNorm', () =>
    expect(
      show(ops.layerNorm(param('x', [2, 3]), [param('weight', [3]), param('bias', [3])], { eps: 1e-6 }), [
        'x',
        'weight',
        'bias'
      ])
    ).toMatchSnapshot())
  it('attention', () =>
    expect(
      show(ops.attention([param('q', [1, 2, 3, 4]), param('k', [1, 2, 5, 4]), param('v', [1, 2, 5, 4])]), [
        'q',
        'k',
        'v'
      ])
    ).toMatchSnapshot())
})
