import { describe, expect, it } from 'vitest'
import { absorbProjections } from '../passes/absorb-projections.js'
import { stage } from '../passes/stage.js'
import { add, mul, pad } from '../ops/build.js'
import { f32 } from '../tensor/tensor.js'
import { vitB } from '../sam/config.js'
import { decodeMasks, type PromptSignature } from '../sam/graphs.js'
import { graph } from './graph.js'
import { structureOf } from './structure.js'
import { constant, input, param, type Value } from './value.js'

const of = (y: Value, declared: readonly Value[] = []): string => structureOf(graph('g', { y }, declared))

describe('structureOf', () => {
  it('is equal for the same computation built twice', () => {
    const build = (): Value => add(mul(input('x', [2]), param('p', [2])), constant(f32([2], [1, -0])))
    expect(of(build())).toBe(of(build()))
  })

  it('differs where an operation, a name, a shape, a number, an order or an output differs', () => {
    const [x, p] = [input('x', [2]), param('p', [2])]
    const different = [
      of(add(x, p)),
      of(mul(x, p)),
      of(add(p, x)),
      of(add(x, param('q', [2]))),
      of(add(x, input('p', [2]))),
      of(add(input('x', [3]), param('p', [3]))),
      of(add(x, constant(f32([2], [0, 0])))),
      of(add(x, constant(f32([2], [0, -0])))),
      of(add(x, p), [x, input('unused', [1])]),
      structureOf(graph('g', { z: add(x, p) }))
    ]
    expect(new Set(different).size).toBe(different.length)
  })

  it('distinguishes attributes that JSON does not: infinities, NaN and −0', () => {
    const padded = [Infinity, -Infinity, NaN, 0, -0].map(value => {
      const x = input('x', [2])
      return of(pad(x, { before: [1], after: [0], value }))
    })
    expect(new Set(padded).size).toBe(5)
  })

  it('distinguishes composites of the same name by their definition', () => {
    const x = input('x', [2])
    const own = (decompose: () => Value): Value => ({ ...add(x, x), op: 'own', composite: { name: 'own', decompose } })
    expect(of(own(() => x))).not.toBe(of(own(() => add(x, x))))
  })

  it('issue 19: is equal for the per-image stages of common prompts, and differs for many tokens or a mask', () => {
    const perImage = (signature: PromptSignature): string =>
      structureOf(
        stage(absorbProjections(decodeMasks(vitB, signature), ['image_embedding']), ['image_embedding'], 'image').early
      )
    const click = perImage({ prompts: 1, points: 2 })
    expect(perImage({ prompts: 1, points: 8 })).toBe(click)
    expect(perImage({ prompts: 64, points: 4 })).toBe(click)
    expect(perImage({ prompts: 1, points: 2, tokens: 1, text: 768 })).toBe(click)
    expect(perImage({ prompts: 1, points: 16 })).not.toBe(click)
    expect(perImage({ prompts: 1, points: 2, masks: true })).not.toBe(click)
  })
})
