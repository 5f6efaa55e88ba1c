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

describe('contrastiveLoss', () => {
  it("is CLIP's symmetric cross entropy for one phrase per crop, independent of lengths", () => {
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
  it('does not separate phrases that are true of the same crops', () => {
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
  it('uses phrases that match no crop only as negatives', () => {
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
  it('ignores unknown pairs', () => {
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
  it('classifies an image within each label group', () => {
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
