import { describe, expect, it } from 'vitest'
import { constant, evaluate, f32, graph, ops } from '@sam/core/graph'
import { contrastiveLoss } from './loss.js'

const loss = (images: number[][], texts: number[][], matches: number[], labelGroups?: number[]): number => {
  const tensor = (rows: number[][]) => constant(f32([rows.length, rows[0].length], rows.flat()))
  const y = contrastiveLoss({
    images: tensor(images),
    texts: tensor(texts),
    matches: constant(f32([images.length, texts.length], matches)),
    scale: ops.scalar(2),
    ...(labelGroups && { labelGroups })
  }).loss
  return evaluate(graph('loss', { y }), () => f32([], [0])).y.data[0]
}
const axes = [
  [3, 0],
  [0, 5]
]

describe('the contrastive loss', () => {
  it("is CLIP's where each crop has one phrase: cross entropy both ways, whatever the lengths", () => {
    expect(
      loss(
        axes,
        [
          [1, 0],
          [0, 2]
        ],
        [1, 0, 0, 1]
      )
    ).toBeCloseTo(Math.log(1 + Math.exp(-2)), 6)
    expect(
      loss(
        axes,
        [
          [0, 1],
          [1, 0]
        ],
        [1, 0, 0, 1]
      )
    ).toBeCloseTo(Math.log(1 + Math.exp(2)), 6)
  })
  it('asks for no difference between phrases that are true of the same crops', () => {
    expect(
      loss(
        [
          [1, 0],
          [1, 0]
        ],
        [
          [1, 0],
          [1, 0]
        ],
        [1, 1, 1, 1]
      )
    ).toBeCloseTo(Math.log(2), 6)
    expect(
      loss(
        axes,
        [
          [1, 0],
          [0, 1]
        ],
        [1, 1, 1, 1]
      )
    ).toBeGreaterThan(Math.log(2))
  })
  it('asks phrases that are true of nothing to be far from all crops, and nothing else', () => {
    const [near, far] = [Math.log(2 + Math.exp(-2)), Math.log(1 + 2 * Math.exp(-2))]
    const each = Math.log(1 + Math.exp(-2))
    expect(
      loss(
        axes,
        [
          [1, 0],
          [0, 1],
          [1, 0]
        ],
        [1, 0, 0, 0, 1, 0]
      )
    ).toBeCloseTo((near + far + 2 * each) / 4, 6)
  })
  it('leaves out what is not known to be true or false', () => {
    expect(
      loss(
        axes,
        [
          [1, 0],
          [0, 1],
          [1, 0]
        ],
        [1, 0, -1, 0, 1, -1]
      )
    ).toBeCloseTo(
      loss(
        axes,
        [
          [1, 0],
          [0, 1]
        ],
        [1, 0, 0, 1]
      ),
      6
    )
  })
  it('has an image choose within each sort of texts by itself', () => {
    const [texts, matches] = [
      [
        [1, 0],
        [0, 1],
        [0, 2],
        [3, 0]
      ],
      [1, 0, 0, 1, 0, 1, 1, 0]
    ]
    const among = Math.log(1 + Math.exp(-2))
    expect(loss(axes, texts, matches, [2, 2])).toBeCloseTo((among + among + among) / 3, 6)
    expect(loss(axes, texts, matches)).toBeCloseTo((Math.log(2 * (1 + Math.exp(-2))) + among) / 2, 6)
  })
})
