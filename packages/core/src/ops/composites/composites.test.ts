import { describe, expect, it } from 'vitest'
import { graph } from '../../ir/graph.js'
import { constant, input, param, type Value } from '../../ir/value.js'
import { erf, evaluate } from '../../reference/evaluate.js'
import { maxError } from '../../testing/compare.js'
import { randomTensor } from '../../testing/random.js'
import type { Shape } from '../../tensor/shape.js'
import { f32 } from '../../tensor/tensor.js'
import * as ops from '../index.js'

const numbers = (y: Value): number[] => [
  ...evaluate(graph('g', { y }), () => {
    throw new Error('no leaves')
  }).y.data
]
type Place = readonly number[]
let seed = 0
/** A constant of random numbers, with a lookup function. */
function given(shape: Shape): { value: Value; at: (...index: number[]) => number } {
  const tensor = randomTensor(shape, { seed: seed++ })
  return {
    value: constant(tensor),
    at: (...index) => tensor.data[index.reduce((flat, i, axis) => flat * shape[axis] + i, 0)]
  }
}
/** All elements of a shape, by a formula of the index. */
function all(shape: Shape, formula: (place: Place) => number): number[] {
  const out: number[] = []
  const walk = (place: number[]): void => {
    if (place.length === shape.length) out.push(formula(place))
    else for (let i = 0; i < shape[place.length]; i++) walk([...place, i])
  }
  walk([])
  return out
}
const sum = (n: number, term: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => term(i)).reduce((a, b) => a + b, 0)
const close = (y: Value, shape: Shape, formula: (place: Place) => number): void => {
  expect(y.shape).toEqual(shape)
  expect(maxError(numbers(y), all(shape, formula))).toBeLessThan(1e-12)
}

/** Each composite against its textbook formula, index by index. */
describe('composites', () => {
  it('activations', () => {
    const x = given([7])
    close(ops.relu(x.value), [7], ([i]) => (x.at(i) > 0 ? x.at(i) : 0))
    close(ops.sigmoid(x.value), [7], ([i]) => 1 / (1 + Math.exp(-x.at(i))))
    close(ops.softplus(x.value), [7], ([i]) => Math.log(1 + Math.exp(x.at(i))))
    expect(numbers(ops.softplus(constant(f32([3], [0, 1000, -1000]))))).toEqual([Math.LN2, 1000, 0])
    close(ops.gelu(x.value), [7], ([i]) => x.at(i) * 0.5 * (1 + erf(x.at(i) * Math.fround(Math.SQRT1_2)))) // constants of a graph are f32
    expect(numbers(ops.gelu(constant(f32([1], [1]))))[0]).toBeCloseTo(0.8413447460685429, 7) // Φ(1)
  })

  it('linear', () => {
    const [x, w, b] = [given([2, 3, 4]), given([5, 4]), given([5])]
    close(
      ops.linear(x.value, w.value, b.value),
      [2, 3, 5],
      ([i, j, o]) => sum(4, k => x.at(i, j, k) * w.at(o, k)) + b.at(o)
    )
    close(ops.linear(x.value, w.value), [2, 3, 5], ([i, j, o]) => sum(4, k => x.at(i, j, k) * w.at(o, k)))
  })

  it('softmax', () => {
    const x = given([2, 3, 4])
    close(
      ops.softmax(x.value),
      [2, 3, 4],
      ([i, j, k]) => Math.exp(x.at(i, j, k)) / sum(4, n => Math.exp(x.at(i, j, n)))
    )
    close(
      ops.softmax(x.value, 0),
      [2, 3, 4],
      ([i, j, k]) => Math.exp(x.at(i, j, k)) / sum(2, n => Math.exp(x.at(n, j, k)))
    )
    expect(numbers(ops.softmax(constant(f32([2], [1e30, 1e30]))))).toEqual([0.5, 0.5])
  })

  it('layerNorm', () => {
    const eps = Math.fround(0.01)
    const [x, w, b, v, c] = [given([2, 3, 4]), given([4]), given([4]), given([3]), given([3])]
    const normal = (n: number, of: (i: number) => number, i: number): number => {
      const mean = sum(n, of) / n
      return (of(i) - mean) / Math.sqrt(sum(n, k => (of(k) - mean) ** 2) / n + eps)
    }
    close(
      ops.layerNorm(x.value, [w.value, b.value], { eps }),
      [2, 3, 4],
      ([i, j, k]) => normal(4, n => x.at(i, j, n), k) * w.at(k) + b.at(k)
    )
    close(
      ops.layerNorm(x.value, [v.value, c.value], { axis: 1, eps }),
      [2, 3, 4],
      ([i, j, k]) => normal(3, n => x.at(i, n, k), j) * v.at(j) + c.at(j)
    )
  })

  it('attention, plain, masked, and with relative positions', () => {
    const [q, k, v] = [given([1, 2, 3, 4]), given([1, 2, 6, 4]), given([1, 2, 6, 4])]
    const [mask, relH, relW] = [given([1, 1, 3, 6]), given([1, 2, 3, 2]), given([1, 2, 3, 3])]
    const attended =
      (bias: (h: number, i: number, j: number) => number, scale = 0.5) =>
      ([, h, i, c]: Place): number => {
        const e = (j: number): number =>
          Math.exp(scale * sum(4, n => q.at(0, h, i, n) * k.at(0, h, j, n)) + bias(h, i, j))
        return sum(6, j => e(j) * v.at(0, h, j, c)) / sum(6, e)
      }
    const qkv = [q.value, k.value, v.value] as const
    close(
      ops.attention(qkv),
      [1, 2, 3, 4],
      attended(() => 0)
    )
    close(
      ops.attention(qkv, { scale: 2 }),
      [1, 2, 3, 4],
      attended(() => 0, 2)
    )
    close(
      ops.attention(qkv, { mask: mask.value }),
      [1, 2, 3, 4],
      attended((_, i, j) => mask.at(0, 0, i, j))
    )
    close(
      ops.attention(qkv, { relPos: [relH.value, relW.value] }),
      [1, 2, 3, 4],
      attended((h, i, j) => relH.at(0, h, i, Math.floor(j / 3)) + relW.at(0, h, i, j % 3))
    )
  })

  it('gridAttention, global and in windows with padding', () => {
    const [heads, d] = [2, 4]
    for (const [height, width, window] of [
      [3, 2, 0],
      [3, 4, 2],
      [3, 5, 3]
    ] as const) {
      const [qkv, border] = [given([1, height, width, 3 * heads * d]), given([3 * heads * d])]
      const [rows, columns] = window ? [window, window] : [height, width]
      const [tableH, tableW] = [given([2 * rows - 1, d]), given([2 * columns - 1, d])]
      const y = ops.gridAttention(qkv.value, {
        heads,
        window,
        border: border.value,
        relPos: [tableH.value, tableW.value]
      })
      const part = (which: number, h: number, [row, column, c]: readonly [number, number, number]): number => {
        const channel = (which * heads + h) * d + c
        return row < height && column < width ? qkv.at(0, row, column, channel) : border.at(channel)
      }
      close(y, [1, height, width, heads * d], ([, row, column, channel]) => {
        const [h, c] = [Math.floor(channel / d), channel % d]
        const [top, left] = window ? [row - (row % window), column - (column % window)] : [0, 0]
        const score = (r: number, s: number): number =>
          sum(
            d,
            n =>
              part(0, h, [row, column, n]) *
              (part(1, h, [r, s, n]) / Math.sqrt(d) +
                tableH.at(row - r + rows - 1, n) +
                tableW.at(column - s + columns - 1, n))
          )
        const over = (term: (r: number, s: number) => number): number =>
          sum(rows, i => sum(columns, j => term(top + i, left + j)))
        return over((r, s) => Math.exp(score(r, s)) * part(2, h, [r, s, c])) / over((r, s) => Math.exp(score(r, s)))
      })
    }
  })

  it('conv2d, in each of its forms', () => {
    const forms: readonly [
      size: readonly [number, number],
      kernel: readonly [number, number],
      options?: ops.ConvOptions & { channels?: number; out?: number }
    ][] = [
      [[4, 6], [2, 2], { stride: 2 }],
      [[5, 7], [2, 2], { stride: 2 }],
      [
        [4, 3],
        [1, 1]
      ],
      [[4, 5], [3, 3], { padding: 1 }],
      [
        [4, 5],
        [3, 3]
      ],
      [
        [4, 6],
        [1, 3]
      ],
      [
        [4, 6],
        [3, 1]
      ],
      [[3, 3], [1, 1], { padding: 1 }],
      [[8, 7], [3, 3], { stride: 2, padding: 1 }],
      [[4, 9], [2, 1], { stride: 3 }],
      [[6, 5], [3, 3], { stride: 2 }],
      [[4, 5], [3, 3], { padding: 1, groups: 4, channels: 4 }],
      [[7, 6], [3, 3], { stride: 2, padding: 1, groups: 4, channels: 4 }],
      [[3, 4], [1, 1], { groups: 4, channels: 4 }],
      [[4, 5], [3, 3], { padding: 1, groups: 2, channels: 6 }],
      [[4, 4], [2, 2], { stride: 2, groups: 2, channels: 2 }],
      [[3, 5], [1, 3], { groups: 3, channels: 3, out: 6 }]
    ]
    for (const [[h, w], [kh, kw], { stride = 1, padding = 0, groups = 1, channels = 3, out = 4 } = {}] of forms) {
      const each = channels / groups
      const [x, weight, bias] = [given([2, h, w, channels]), given([out, each, kh, kw]), given([out])]
      const pixel = (b: number, [i, j, c]: readonly [number, number, number]): number =>
        i >= 0 && i < h && j >= 0 && j < w ? x.at(b, i, j, c) : 0
      const shape = [
        2,
        Math.floor((h + 2 * padding - kh) / stride) + 1,
        Math.floor((w + 2 * padding - kw) / stride) + 1,
        out
      ]
      close(
        ops.conv2d(x.value, [weight.value, bias.value], { stride, padding, groups }),
        shape,
        ([b, i, j, o]) =>
          bias.at(o) +
          sum(each, c =>
            sum(kh, m =>
              sum(kw, n => {
                const channel = Math.floor(o / (out / groups)) * each + c
                return pixel(b, [i * stride + m - padding, j * stride + n - padding, channel]) * weight.at(o, c, m, n)
              })
            )
          )
      )
    }
    expect(() => ops.conv2d(input('x', [1, 8, 8, 4]), [param('w', [6, 1, 3, 3])], { groups: 4 })).toThrow(
      'conv2d: x must be [B,H,W,in] and the weight [out,in/4,kh,kw] with out a multiple of 4, found f32[1,8,8,4] (x) and f32[6,1,3,3] (w)'
    )
  })

  it('windowAttention: padded positions hold the border, channels lie head by head', () => {
    const [h, w, heads, d, side] = [3, 4, 2, 4, 2]
    const [qkv, border, table] = [given([1, h, w, 3 * heads * d]), given([3 * heads * d]), given([heads, side * side])]
    close(
      ops.windowAttention(qkv.value, {
        heads,
        window: side,
        border: border.value,
        bias: ops.windowBias(table.value, side)
      }),
      [1, h, w, heads * d],
      ([, i, j, c]) => {
        const [head, channel] = [Math.floor(c / d), c % d]
        const part = (which: number, e: number, [y, x]: readonly [number, number]): number => {
          const at = (head * 3 + which) * d + e
          return y < h && x < w ? qkv.at(0, y, x, at) : border.at(at)
        }
        const [top, left] = [i - (i % side), j - (j % side)]
        const weigh = (key: readonly [number, number]): number =>
          Math.exp(
            sum(d, e => part(0, e, [i, j]) * part(1, e, key)) / Math.sqrt(d) +
              table.at(head, Math.abs(i - key[0]) * side + Math.abs(j - key[1]))
          )
        const over = (term: (key: readonly [number, number]) => number): number =>
          sum(side, m => sum(side, n => term([top + m, left + n])))
        return over(key => weigh(key) * part(2, channel, key)) / over(weigh)
      }
    )
  })

  it('convTranspose2d', () => {
    const [x, weight, bias] = [given([2, 2, 3, 4]), given([4, 5, 2, 3]), given([5])]
    close(
      ops.convTranspose2d(x.value, [weight.value, bias.value]),
      [2, 4, 9, 5],
      ([b, i, j, o]) =>
        bias.at(o) + sum(4, c => x.at(b, Math.floor(i / 2), Math.floor(j / 3), c) * weight.at(c, o, i % 2, j % 3))
    )
  })

  it('resizeBilinear: half-pixel centres, clamped at the border', () => {
    const x = given([2, 3, 4])
    const tap = (i: number, [from, to]: readonly [number, number]): readonly [number, number, number] => {
      const place = Math.max(0, ((i + 0.5) * from) / to - 0.5)
      const low = Math.min(Math.floor(place), from - 1)
      return [low, Math.min(low + 1, from - 1), place - low]
    }
    const y = ops.resizeBilinear(x.value, [5, 3])
    expect(y.shape).toEqual([2, 5, 3])
    const expected = all([2, 5, 3], ([b, i, j]) => {
      const [[top, bottom, u], [left, right, v]] = [tap(i, [3, 5]), tap(j, [4, 3])]
      return (
        (1 - u) * ((1 - v) * x.at(b, top, left) + v * x.at(b, top, right)) +
        u * ((1 - v) * x.at(b, bottom, left) + v * x.at(b, bottom, right))
      )
    })
    expect(maxError(numbers(y), expected)).toBeLessThan(1e-6) // the taps are stored in f32
  })

  it('windows, row by row, padded with the border, and their inverse', () => {
    const [x, border] = [given([2, 3, 5, 2]), given([2])]
    const windows = ops.windowPartition(x.value, 2, border.value)
    close(windows, [2 * 2 * 3, 2, 2, 2], ([n, i, j, c]) => {
      const [b, row, column] = [Math.floor(n / 6), Math.floor((n % 6) / 3) * 2 + i, (n % 3) * 2 + j]
      return row < 3 && column < 5 ? x.at(b, row, column, c) : border.at(c)
    })
    close(ops.windowUnpartition(windows, [3, 5]), [2, 3, 5, 2], place => x.at(...place))
  })

  it('reject operands that do not fit, by name', () => {
    const messages = [
      () => ops.linear(input('x', [2, 3]), param('lin1.weight', [3, 5])),
      () => ops.attention([input('q', [1, 2, 3]), input('k', [1, 2, 3]), input('v', [1, 2, 3])]),
      () =>
        ops.attention([input('q', [1, 1, 2, 3]), input('k', [1, 1, 2, 3]), input('v', [1, 1, 2, 3])], {
          mask: input('m', [1]),
          relPos: [input('a', [1]), input('b', [1])]
        }),
      () =>
        ops.gridAttention(input('qkv', [1, 4, 4, 25]), {
          heads: 2,
          window: 0,
          border: param('b', [25]),
          relPos: [param('h', [7, 4]), param('w', [7, 4])]
        }),
      () =>
        ops.gridAttention(input('qkv', [1, 4, 4, 24]), {
          heads: 2,
          window: 0,
          border: param('b', [24]),
          relPos: [param('h', [7, 4]), param('rel_pos_w', [5, 4])]
        }),
      () =>
        ops.windowAttention(input('qkv', [1, 4, 4, 24]), {
          heads: 2,
          window: 2,
          border: param('b', [24]),
          bias: param('bias', [2, 4])
        }),
      () =>
        ops.windowAttention(input('qkv', [1, 4, 4, 25]), {
          heads: 2,
          window: 2,
          border: param('b', [24]),
          bias: param('bias', [2, 4, 4])
        }),
      () => ops.conv2d(input('x', [1, 3, 8, 8]), [param('w', [4, 3, 3, 3])]),
      () => ops.convTranspose2d(input('x', [1, 3, 8, 8]), [param('w', [4, 3, 2, 2]), param('b', [3])]),
      () => ops.resizeBilinear(input('x', [4]), [2, 2]),
      () => ops.softmax(input('x', [4]), 1)
    ].map(build => {
      try {
        build()
        return 'accepted'
      } catch (error) {
        return (error as Error).message
      }
    })
    expect(messages).toMatchInlineSnapshot(`
      [
        "linear: the last axis must be the weight's second, found f32[2,3] (x) and f32[3,5] (lin1.weight); transpose the weight?",
        "attention: q, k, v must be [B, heads, N, d], found f32[1,2,3] (q), f32[1,2,3] (k), f32[1,2,3] (v)",
        "attention: must have a mask or relative positions, found both; add the mask to one of the tables",
        "gridAttention: qkv must be [B,H,W,3·2·d], found f32[1,4,4,25] (qkv)",
        "gridAttention: relative positions must be [7,4], found f32[5,4] (rel_pos_w)",
        "windowAttention: the bias must be [2,4,4], found f32[2,4] (bias)",
        "windowAttention: qkv must be [B,H,W,3·2·d] and the border [3·2·d], found f32[1,4,4,25] (qkv) and f32[24] (b)",
        "conv2d: x must be [B,H,W,in] and the weight [out,in,kh,kw], found f32[1,3,8,8] (x) and f32[4,3,3,3] (w)",
        "convTranspose2d: x must be [B,H,W,in] and the weight [in,out,kh,kw], found f32[1,3,8,8] (x) and f32[4,3,2,2] (w)",
        "resizeBilinear: must have [..., H, W] and a size of at least 1×1, found f32[4] (x) to 2×2",
        "softmax: axis must be within rank 1, found 1",
      ]
    `)
  })
})
