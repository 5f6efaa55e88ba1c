import { describe, expect, it } from 'vitest'
import { configs } from '@sam/core'
import { constant, differentiate, evaluate, f32, graph, input, nameOf, ops, paramsOf, scope } from '@sam/core/graph'
import { optimizerUpdate, paperAdamW, paramShapes } from '@sam/train/toolkit'
import { createRng } from '@sam/rng'
import { isHidden, muon, muonFor, orthogonal, usualMuon } from './muon.js'

type Evaluated = ReturnType<typeof evaluate>
const numbers = (key: number, count: number): number[] =>
  Array.from({ length: count }, () => createRng(7, key).normal())
const rows = (t: Evaluated[string]): number[][] =>
  Array.from({ length: t.shape[0] }, (_, i) => Array.from(t.data.slice(i * t.shape[1], (i + 1) * t.shape[1])))
const run = (x: Parameters<typeof graph>[1]): Evaluated => evaluate(graph('y', x), () => f32([], [0]))

/** A Householder reflection: I − 2vvᵀ / vᵀv, which is orthogonal. */
function reflection(n: number, key: number): number[][] {
  const v = numbers(key, n)
  const length = v.reduce((sum, x) => sum + x * x, 0)
  return v.map((a, i) => v.map((b, j) => Number(i === j) - (2 * a * b) / length))
}

describe.each([
  [4, 6],
  [6, 4],
  [5, 5]
])('orthogonal: %i × %i', (h, w) => {
  // U · diag(s) · V with singular values s; the result has the same U and V.
  const [u, v, s] = [reflection(h, 1), reflection(w, 2), [9, 1, 0.3, 0.1, 0.05].slice(0, Math.min(h, w))]
  const x = u.map(row => v[0].map((_, j) => s.reduce((sum, value, k) => sum + row[k] * value * v[k][j], 0)))
  const y = rows(run({ y: orthogonal(constant(f32([h, w], x.flat())), 5) }).y)
  const seen = u.map((_, a) =>
    v.map((_row, b) =>
      y.reduce((sum, row, i) => sum + row.reduce((t, value, j) => t + u[i][a] * value * v[b][j], 0), 0)
    )
  )

  it('has singular values of about 1 and the same singular vectors', () => {
    for (const [a, row] of seen.entries()) {
      for (const [b, value] of row.entries()) {
        if (a !== b) expect(Math.abs(value)).toBeLessThan(1e-5)
        else if (a < s.length) {
          expect(value).toBeGreaterThan(0.6)
          expect(value).toBeLessThan(1.25)
        }
      }
    }
  })
})

describe('muon', () => {
  const [param, m, gradient] = [1, 2, 3].map(key => constant(f32([3, 4], numbers(key, 12))))
  const step = { gradient, factor: ops.scalar(0.5), rate: ops.scalar(0.01), weightDecay: 0.1 }
  const next = run(muon({ param, m }, step) as never)

  it('keeps a running mean of gradients', () => {
    const [before, g] = [2, 3].map(key => numbers(key, 12))
    next.m.data.forEach((value, i) => expect(value).toBeCloseTo(0.95 * before[i] + 0.05 * 0.5 * g[i], 6))
  })
  it('updates by the orthogonalised Nesterov momentum, after weight decay', () => {
    const [before, old, g] = [1, 2, 3].map(key => numbers(key, 12))
    const ahead = old.map((value, i) => 0.95 * (0.95 * value + 0.05 * 0.5 * g[i]) + 0.05 * 0.5 * g[i])
    const move = run({ y: orthogonal(constant(f32([3, 4], ahead)), usualMuon.steps) }).y.data
    next.param.data.forEach((value, i) =>
      expect(value).toBeCloseTo(before[i] * (1 - 0.01 * 0.1) - 0.01 * 0.2 * 2 * move[i], 5)
    )
  })
  it("updates independently of the gradient's scale", () => {
    const zero = ops.fill([3, 4], 0)
    const [short, long] = [1e-3, 1e3].map(
      scale => run(muon({ param, m: zero }, { ...step, gradient: ops.mul(gradient, scale) }) as never).param.data
    )
    short.forEach((value, i) => expect(value).toBeCloseTo(long[i], 5))
  })
})

describe('muonFor', () => {
  it('selects the matrices of attention and MLPs', () => {
    const all = [...paramShapes(configs['tiny-test'])]
      .filter(([name, shape]) => isHidden(name, shape))
      .map(([name]) => name)
    expect(all).toContain('image_encoder.blocks.0.attn.qkv.weight')
    expect(all).toContain('mask_decoder.transformer.layers.0.mlp.lin1.weight')
    for (const name of all)
      expect(name).toMatch(/(attn|attn_token_to_image|attn_image_to_token|proj|mlp|mlps|head)\b.*weight$/)
    expect(
      [
        'image_encoder.blocks.0.attn.rel_pos_h',
        'mask_decoder.mask_tokens.weight',
        'text_model.embeddings.token_embedding.weight',
        'visual_projection.weight'
      ].filter(name => isHidden(name, [64, 64]))
    ).toEqual([])
  })
  it('keeps one moment, and updates nothing while gradients accumulate', () => {
    const p = scope()
    const [weight, bias] = [p.param('w', [8, 8]), p.param('b', [8])]
    const loss = ops.reshape(
      ops.reduceSum(ops.square(ops.add(ops.matmul(input('x', [2, 8]), weight), bias)), [0, 1]),
      []
    )
    const outputs = optimizerUpdate(differentiate(graph('g', { loss }), { loss: 'loss', wrt: ['w', 'b'] }), {
      trained: ['w', 'b'],
      rule: () => ({ rateScale: 1, weightDecay: 0 }),
      clipNorm: 1,
      accumulate: 2,
      adamw: paperAdamW,
      optimizerFor: muonFor(usualMuon)
    })
    expect(Object.keys(outputs).sort()).toEqual([
      'adamw/m/b',
      'adamw/v/b',
      'b',
      'gradient/b',
      'gradient/w',
      'gradient_norm',
      'muon/m/w',
      'w'
    ])
    const g = graph('updates', outputs)
    const feeds = Object.fromEntries(
      [...g.inputs, ...paramsOf(g)].map((v, i) => [
        nameOf(v)!,
        f32(
          v.shape,
          numbers(
            i,
            v.shape.reduce((a, b) => a * b, 1)
          )
        )
      ])
    )
    const step = (apply: number): Evaluated =>
      evaluate(
        g,
        v =>
          ({
            ...feeds,
            apply: f32([], [apply]),
            correction: f32([2], [1, 1]),
            'adamw/v/b': f32([8], new Float32Array(8).fill(1))
          })[nameOf(v)!]!
      )
    const [held, updated] = [step(0), step(1)]
    for (const name of ['w', 'muon/m/w']) {
      expect(held[name].data).toEqual(Float64Array.from(feeds[name].data))
      expect(updated[name].data).not.toEqual(held[name].data)
    }
    expect(Math.max(...updated['gradient/w'].data)).toBe(0)
  })
})
