import { describe, expect, it } from 'vitest'
import { constant, differentiate, evaluate, f32, graph, param, type Value } from '@sam/core/graph'
import { groundingLoss, maskPooledPrototype, matchingLoss } from './losses.js'

const value = (y: Value): number[] => [...evaluate(graph('y', { y }), () => f32([], [0])).y.data]

describe('groundingLoss', () => {
  // Two images of four positions with embeddings of two dimensions, and a prompt for each.
  const embedding = constant(f32([2, 2, 2, 2], [3, 0, 0, 0, 0, 0, 0, 1, 0, 0, 5, 0, 0, 0, 0, 0]))
  const target = (...positions: number[]): Value =>
    constant(
      f32(
        [2, 8, 8],
        Float32Array.from(
          { length: 128 },
          (_, i) => positions[4 * Math.floor(i / 64) + 2 * ((Math.floor(i / 8) % 8) >> 2) + ((i % 8) >> 2)]
        )
      )
    )
  const loss = (token: Value, weight: number[]): Value =>
    groundingLoss({ token, embedding, target: target(1, 0, 0, 0, 0, 0, 1, 1), weight: constant(f32([2], weight)) })

  it("is the cross entropy between a token's attention and its object, mean over text prompts", () => {
    const token = constant(f32([2, 2], [4, 0, 2, 0]))
    const [first, second] = [
      [12, 0, 0, 0],
      [0, 0, 10, 0]
    ]
      .map(products => products.map(x => x / Math.SQRT2))
      .map(logits => logits.map(x => x - Math.log(logits.reduce((sum, y) => sum + Math.exp(y), 0))))
    const expected = [-first[0], -(second[2] + second[3]) / 2]
    expect(value(loss(token, [1, 0]))[0]).toBeCloseTo(expected[0], 6)
    expect(value(loss(token, [1, 1]))[0]).toBeCloseTo((expected[0] + expected[1]) / 2, 6)
    expect(value(loss(token, [0, 0]))[0]).toBe(0)
    const absent = groundingLoss({
      token,
      embedding,
      target: target(1, 0, 0, 0, 0, 0, 0, 0),
      weight: constant(f32([2], [1, 1]))
    })
    expect(value(absent)[0]).toBeCloseTo(expected[0], 6) // the second object is absent and is ignored
  })
  it("maskPooledPrototype: averages the embedding over the object's coverage", () => {
    expect(value(maskPooledPrototype({ embedding, target: target(1, 0, 0, 0, 0, 0, 1, 1) }))).toEqual([3, 0, 2.5, 0])
    const half = constant(
      f32(
        [2, 8, 8],
        Float32Array.from({ length: 128 }, (_, i) => (i % 8 < 6 && i % 64 < 32 ? 1 : 0))
      )
    )
    expect(value(maskPooledPrototype({ embedding, target: half }))).toEqual([2, 0, 0, 0])
    expect(value(maskPooledPrototype({ embedding, target: target(0, 0, 0, 0, 0, 0, 0, 0) }))).toEqual([0, 0, 0, 0])
  })
  it('has the gradient of finite differences', () => {
    const tokens = [4, 0, 2, 0]
    const {
      'grad/token': { data }
    } = evaluate(
      differentiate(graph('loss', { y: loss(param('token', [2, 2]), [1, 1]) }), { loss: 'y', wrt: ['token'] }),
      () => f32([2, 2], tokens)
    )
    const at = (i: number, by: number): number =>
      value(
        loss(
          constant(
            f32(
              [2, 2],
              tokens.map((x, j) => x + (i === j ? by : 0))
            )
          ),
          [1, 1]
        )
      )[0]
    for (let i = 0; i < 4; i++) expect(data[i]).toBeCloseTo((at(i, 1e-2) - at(i, -1e-2)) / 2e-2, 4)
  })
})

describe('matchingLoss', () => {
  // Two images of 2 × 2 positions with two prompts each; the last two are of the same object.
  const embedding = constant(f32([2, 2, 2, 2], [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 2, 2]))
  const planes = (...positions: number[]): Value =>
    constant(
      f32(
        [4, 8, 8],
        Float32Array.from(
          { length: 256 },
          (_, i) => positions[Math.floor(i / 64) * 4 + Math.floor((i % 64) / 32) * 2 + Math.floor((i % 8) / 4)]
        )
      )
    )
  const target = planes(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1)
  const tokens = [4, 0, 1, 1, 1, 3, 0, 2]
  const loss = (token: Value, weight: number[]): Value =>
    matchingLoss({ token, embedding, target, weight: constant(f32([4], weight)) })
  const given = constant(f32([4, 2], tokens))

  it("is the cross entropy between an object's prototype and the texts, mean over present text prompts", () => {
    const own = [
      [3, 0],
      [0, 0],
      [1, 2],
      [1, 2]
    ]
    const lost = (i: number, among: number[], right: number[]): number => {
      const e = (j: number): number =>
        Math.exp((own[i][0] * tokens[2 * j] + own[i][1] * tokens[2 * j + 1]) / Math.SQRT2)
      const sum = (js: number[]): number => js.reduce((s, j) => s + e(j), 0)
      return -Math.log(sum(right) / sum(among))
    }
    const all = [0, 1, 2, 3]
    expect(value(loss(given, [1, 1, 1, 1]))[0]).toBeCloseTo(
      (lost(0, all, [0]) + lost(1, all, [1]) + lost(2, all, [2, 3]) + lost(3, all, [2, 3])) / 4,
      5
    )
    expect(value(loss(given, [1, 0, 1, 0]))[0]).toBeCloseTo((lost(0, [0, 2], [0]) + lost(2, [0, 2], [2])) / 2, 5)
    expect(value(loss(given, [0, 0, 0, 0]))[0]).toBe(0)
    const absent = matchingLoss({
      token: given,
      embedding,
      target: planes(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1),
      weight: constant(f32([4], [1, 1, 1, 1]))
    })
    expect(value(absent)[0]).toBeCloseTo(
      (lost(0, [0, 2, 3], [0]) + lost(2, [0, 2, 3], [2, 3]) + lost(3, [0, 2, 3], [2, 3])) / 3,
      5
    )
  })
  it('has the gradient of finite differences', () => {
    const {
      'grad/token': { data }
    } = evaluate(
      differentiate(graph('loss', { y: loss(param('token', [4, 2]), [1, 1, 1, 1]) }), { loss: 'y', wrt: ['token'] }),
      () => f32([4, 2], tokens)
    )
    const at = (i: number, by: number): number =>
      value(
        loss(
          constant(
            f32(
              [4, 2],
              tokens.map((x, j) => x + (i === j ? by : 0))
            )
          ),
          [1, 1, 1, 1]
        )
      )[0]
    for (let i = 0; i < 8; i++) expect(data[i]).toBeCloseTo((at(i, 1e-2) - at(i, -1e-2)) / 2e-2, 4)
  })
})
