import { constant, f32, graph, input, ops, param, tensor, type Graph, type HostTensor, type Shape, type Value } from '@sam/core/graph'

/** A small graph with data for its leaves, to be judged by the evaluator. */
export interface Case {
  readonly name: string
  readonly graph: Graph
  readonly feeds: Readonly<Record<string, HostTensor>>
  readonly weights: Readonly<Record<string, HostTensor>>
}

/** Numbers in [−1, 1), the same each time. */
export function numbers(seed: number, shape: Shape): HostTensor<'f32'> {
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1))
  let state = seed * 2654435761 >>> 0 || 1
  for (let i = 0; i < data.length; i++) {
    state ^= state << 13
    state = (state ^ state >>> 17) >>> 0
    state = (state ^ state << 5) >>> 0
    data[i] = state / 2 ** 31 - 1
  }
  return f32(shape, data)
}

/** A case from shapes of inputs and params; `data` puts other numbers in place of random ones. */
export function build(name: string, { inputs, params = {}, data = {} }: Leaves, body: (leaf: Record<string, Value>) => Value | Record<string, Value>): Case {
  const leaves: Record<string, Value> = {}
  const feeds: Record<string, HostTensor> = {}
  const weights: Record<string, HostTensor> = {}
  let seed = 1
  for (const [key, shape] of Object.entries(inputs)) {
    feeds[key] = data[key] ?? numbers(seed++, shape)
    leaves[key] = input(key, shape, feeds[key]!.dtype)
  }
  for (const [key, shape] of Object.entries(params)) {
    weights[key] = data[key] ?? numbers(seed++, shape)
    leaves[key] = param(key, shape)
  }
  const result = body(leaves)
  return { name, graph: graph(name, 'op' in result ? { y: result as Value } : result as Record<string, Value>, Object.keys(inputs).map(k => leaves[k]!)), feeds, weights }
}

interface Leaves {
  readonly inputs: Readonly<Record<string, Shape>>
  readonly params?: Readonly<Record<string, Shape>>
  readonly data?: Readonly<Record<string, HostTensor>>
}

const x = { inputs: { x: [3, 4] } }
const xy = { inputs: { x: [2, 3, 4], y: [3, 1] } }
const positive = { ...x, data: { x: f32([3, 4], numbers(9, [3, 4]).data.map(v => v + 1.5)) } }
const index = tensor('i32', [5], [2, 0, 0, 1, 2])

export const cases: readonly Case[] = [
  build('neg', x, ({ x }) => ops.neg(x!)),
  build('exp', x, ({ x }) => ops.exp(x!)),
  build('log', positive, ({ x }) => ops.log(x!)),
  build('sqrt', positive, ({ x }) => ops.sqrt(x!)),
  build('sin', x, ({ x }) => ops.sin(ops.mul(x!, 5))),
  build('cos', x, ({ x }) => ops.cos(ops.mul(x!, 5))),
  build('erf', x, ({ x }) => ops.erf(ops.mul(x!, 3))),
  build('cast', x, ({ x }) => ops.cast(ops.cast(ops.mul(x!, 10), 'i32'), 'f32')),
  build('cast to bool and out', x, ({ x }) => ({ y: ops.cast(ops.less(x!, 0), 'f32'), b: ops.less(x!, 0), i: ops.cast(ops.mul(x!, 9), 'i32') })),
  build('add of two broadcasts', { inputs: { x: [2, 1, 4], y: [3, 1] } }, ({ x, y }) => ops.add(x!, y!)),
  build('both narrower than the sum', { inputs: { x: [1, 4] } }, ({ x }) => ops.add(ops.broadcastTo(x!, [3, 4]), ops.broadcastTo(ops.mul(x!, 2), [3, 4]))),
  build('sub', xy, ({ x, y }) => ops.sub(x!, y!)),
  build('mul', xy, ({ x, y }) => ops.mul(y!, x!)),
  build('div', xy, ({ x, y }) => ops.div(x!, ops.add(y!, 3))),
  build('max', xy, ({ x, y }) => ops.max(x!, y!)),
  build('max of integers', { inputs: { i: [5] }, data: { i: index } }, ({ i }) => ops.max(i!, 1)),
  build('where', xy, ({ x, y }) => ops.where(ops.less(x!, y!), x!, ops.neg(y!))),
  build('equal', { inputs: { i: [5] }, data: { i: index } }, ({ i }) => ops.where(ops.equal(i!, 2), 1, 0)),
  build('reduceSum', xy, ({ x }) => ops.reduceSum(x!, [0, 2])),
  build('reduceSum of no axes', x, ({ x }) => ops.reduceSum(x!, [])),
  build('reduceMax', xy, ({ x }) => ops.reduceMax(x!, [1])),
  build('matmul', { inputs: { x: [2, 3, 4], y: [4, 5] } }, ({ x, y }) => ops.matmul(x!, y!)),
  build('matmul over batches', { inputs: { x: [2, 1, 3, 4], y: [5, 4, 2] } }, ({ x, y }) => ops.matmul(x!, y!)),
  build('matmul of a repeated row', { inputs: { x: [1, 4], y: [4, 5] } }, ({ x, y }) => ops.matmul(ops.broadcastTo(x!, [3, 4]), y!)),
  build('matmul with a transpose', { inputs: { x: [2, 3, 4], y: [2, 5, 4] } }, ({ x, y }) => ops.matmul(x!, ops.swap(y!))),
  build('reshape and transpose', xy, ({ x }) => ops.reshape(ops.transpose(x!, [2, 0, 1]), [8, 3])),
  build('broadcast', x, ({ x }) => ops.broadcastTo(x!, [2, 3, 4])),
  build('slice', xy, ({ x }) => ops.slice(ops.slice(x!, 2, { start: 1, size: 2 }), 0, { start: 1, size: 1 })),
  build('pad', x, ({ x }) => ops.pad(x!, { before: [1, 0], after: [0, 2], value: -3 })),
  build('concat', x, ({ x }) => ops.concat([x!, ops.neg(x!), x!], 1)),
  build('gather', x, ({ x }) => ops.gather(x!, constant(index), 0)),
  build('gather by a fed index', { inputs: { x: [4, 3], i: [5] }, data: { i: index } }, ({ x, i }) => ops.gather(x!, i!, 1)),
  build('scatterAdd', { inputs: { x: [5, 4] } }, ({ x }) => ops.scatterAdd(x!, constant(index), { axis: 0, size: 6 })),
  build('scatterAdd along the last axis', { inputs: { x: [2, 5] } }, ({ x }) => ops.scatterAdd(x!, constant(index), { axis: 1, size: 3 })),
  build('stopGradient', x, ({ x }) => ops.stopGradient(x!)),
  build('an input, a param and a constant as outputs', { ...x, params: { w: [2] } }, ({ x, w }) => ({ x: x!, w: w!, again: w!, c: constant(index) })),
  build('one value under two names', x, ({ x }) => { const y = ops.exp(x!); return { y, z: y, u: ops.neg(y) } }),
  build('an unused input', { inputs: { x: [2], unused: [3] } }, ({ x }) => ops.exp(x!)),
  build('what depends on params alone', { ...x, params: { w: [4, 4] } }, ({ x, w }) => ops.matmul(x!, ops.swap(ops.exp(w!)))),

  build('relu', x, ({ x }) => ops.relu(x!)),
  build('sigmoid', x, ({ x }) => ops.sigmoid(ops.mul(x!, 20))),
  build('gelu', x, ({ x }) => ops.gelu(ops.mul(x!, 4))),
  build('softmax', xy, ({ x }) => ops.softmax(ops.mul(x!, 30))),
  build('softmax along the first axis', xy, ({ x }) => ops.softmax(x!, 0)),
  build('layerNorm', { inputs: { x: [2, 3, 8] }, params: { w: [8], b: [8] } }, ({ x, w, b }) => ops.layerNorm(x!, [w!, b!], { eps: 1e-6 })),
  build('layerNorm of channels', { inputs: { x: [2, 5, 3, 4] }, params: { w: [5], b: [5] } }, ({ x, w, b }) => ops.layerNorm(x!, [w!, b!], { axis: 1, eps: 1e-5 })),
  build('linear', { inputs: { x: [2, 3, 4] }, params: { w: [5, 4], b: [5] } }, ({ x, w, b }) => ops.linear(x!, w!, b!)),
  build('linear without bias', { inputs: { x: [4] }, params: { w: [5, 4] } }, ({ x, w }) => ops.linear(x!, w!)),
  build('conv2d in patches', { inputs: { x: [2, 7, 6, 3] }, params: { w: [4, 3, 3, 3], b: [4] } }, ({ x, w, b }) => ops.conv2d(x!, [w!, b!], { stride: 3 })),
  build('conv2d 1 × 1', { inputs: { x: [1, 3, 5, 6] }, params: { w: [4, 6, 1, 1] } }, ({ x, w }) => ops.conv2d(x!, [w!])),
  build('conv2d 3 × 3', { inputs: { x: [2, 5, 4, 3] }, params: { w: [4, 3, 3, 3], b: [4] } }, ({ x, w, b }) => ops.conv2d(x!, [w!, b!], { padding: 1 })),
  build('convTranspose2d', { inputs: { x: [2, 3, 4, 5] }, params: { w: [5, 3, 2, 2], b: [3] } }, ({ x, w, b }) => ops.convTranspose2d(x!, [w!, b!])),
  build('resizeBilinear up', { inputs: { x: [2, 3, 5, 4] } }, ({ x }) => ops.resizeBilinear(x!, [13, 9])),
  build('resizeBilinear down', { inputs: { x: [1, 2, 11, 12] } }, ({ x }) => ops.resizeBilinear(x!, [4, 7])),
  build('attention', { inputs: { q: [2, 3, 5, 4], k: [2, 3, 6, 4], v: [2, 3, 6, 7] } }, ({ q, k, v }) => ops.attention([q!, k!, v!])),
  build('attention under a mask', { inputs: { q: [2, 3, 5, 4], k: [1, 3, 6, 4], v: [1, 3, 6, 4], m: [2, 1, 1, 6] }, data: { m: f32([2, 1, 1, 6], [0, 0, -1e9, 0, 0, -1e9, 0, 0, 0, 0, 0, 0]) } },
    ({ q, k, v, m }) => ops.attention([q!, k!, v!], { mask: m! })),
  build('attention with relative positions', { inputs: { q: [2, 2, 6, 4], k: [2, 2, 6, 4], v: [2, 2, 6, 4], h: [2, 2, 6, 2], w: [2, 2, 6, 3] } },
    ({ q, k, v, h, w }) => ops.attention([q!, k!, v!], { relPos: [h!, w!] })),
  ...[0, 2, 3].map(window => build(`gridAttention, window ${window}`, {
    inputs: { qkv: [2, 4, 5, 36] }, params: { border: [36], h: [2 * (window || 4) - 1, 6], w: [2 * (window || 5) - 1, 6] }
  }, ({ qkv, border, h, w }) => ops.gridAttention(ops.mul(qkv!, 2), { heads: 2, window, border: border!, relPos: [h!, w!] }))),
  build('windows', { inputs: { x: [2, 5, 4, 3] }, params: { b: [3] } }, ({ x, b }) => ops.windowUnpartition(ops.exp(ops.windowPartition(x!, 3, b!)), [5, 4]))
]
