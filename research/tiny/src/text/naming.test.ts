import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { namedBy, namingNone, namingOne } from './naming.js'
import { sentence, type SceneObject } from './phrase.js'

const thing = (noun: string, color: string): SceneObject => ({
  about: { noun, color, pattern: 'plain' },
  size: undefined,
  place: undefined
})
const [star, ring, other] = [thing('star', 'red'), thing('ring', 'red'), thing('star', 'blue')]
const scene = [star, ring, other]

describe('naming phrases', () => {
  it('namingOne: names one object of the scene', () => {
    for (let i = 0; i < 50; i++)
      for (const one of scene) expect(namedBy(namingOne(createRng(i), one, scene)!, scene)).toEqual([one])
  })
  it('namingOne: returns undefined for one of two similar objects', () => {
    expect(namingOne(createRng(1), star, [star, thing('star', 'red')])).toBeUndefined()
    expect(
      namingOne(createRng(1), star, [
        star,
        { ...star, about: { noun: 'star', color: 'orange', maybe: ['red'], pattern: 'plain' } }
      ])
    ).toBeUndefined()
  })
  it('namingNone: names nothing in the scene', () => {
    for (let i = 0; i < 50; i++)
      expect(namedBy(namingNone(createRng(i), [thing('cross', 'pink')], scene)!, scene)).toEqual([])
    expect(namingNone(createRng(1), [star], scene)).toBeUndefined()
    expect(namingNone(createRng(1), [], scene)).toBeUndefined()
    expect(sentence(namingNone(createRng(1), [thing('cross', 'pink')], scene)!)).toMatch(/pink cross$/)
  })
})
