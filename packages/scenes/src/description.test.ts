import { describe, expect, it } from 'vitest'
import { captionOf, withoutColor, type Description } from './description.js'
import { createRng } from '@sam/rng'
import { anySurface, colorName, hsv } from './surface.js'
import { takenFor } from './taken-for.js'

const star: Description = { noun: 'star', color: 'orange', second: 'blue', pattern: 'striped', limbs: true }
const limb: Description = { noun: 'limb', color: 'red', pattern: 'plain', of: { link: 'of', whole: star } }

describe('captionOf', () => {
  it('describes all known attributes, and of a part also its whole', () => {
    expect(captionOf(star)).toBe('a striped orange and blue star with limbs')
    expect(captionOf({ ...star, pattern: 'plain' })).toBe('an orange and blue star with limbs')
    expect(captionOf(limb)).toBe('a red limb of a striped orange and blue star with limbs')
    expect(
      captionOf({
        noun: 'body',
        color: 'red',
        pattern: 'plain',
        of: { link: 'of', whole: { noun: 'oval', pattern: 'dotted' } }
      })
    ).toBe('the red body of a dotted oval')
  })
  it('omits colours of gray images', () =>
    expect(captionOf(withoutColor(limb))).toBe('a limb of a striped star with limbs'))
})

describe('colorName', () => {
  it('returns the usual colour names', () => {
    const named = (hue: number, saturation = 0.8, value = 0.9): string => colorName(hsv(hue, saturation, value))
    expect([0, 28, 52, 120, 180, 225, 275, 325].map(hue => named(hue))).toEqual([
      'red',
      'orange',
      'yellow',
      'green',
      'cyan',
      'blue',
      'purple',
      'pink'
    ])
    expect(
      [
        [355, 0.8, 0.9],
        [30, 0.8, 0.5],
        [100, 0.05, 0.9],
        [100, 0.05, 0.5],
        [100, 0.9, 0.1]
      ].map(([h, s, v]) => named(h, s, v))
    ).toEqual(['red', 'brown', 'white', 'gray', 'black'])
  })
})

describe('ambiguous attributes', () => {
  const surfaces = Array.from({ length: 400 }, (_, i) => anySurface(createRng(i), { scale: 30, light: 1 }))
  it('include faint patterns and borderline colours', () => {
    expect(surfaces.filter(s => s.pattern === undefined).length).toBeGreaterThan(20)
    const [told, borderline] = [
      surfaces.filter(s => s.pattern === 'plain'),
      surfaces.filter(s => s.color === 'brown' && s.maybe?.includes('orange'))
    ]
    expect(told.length).toBeGreaterThan(100)
    expect(told.some(s => s.maybe?.every(word => ['shaded', 'grainy'].includes(word)))).toBe(true)
    expect(borderline.length).toBeGreaterThan(0)
    for (const { color, second, maybe } of surfaces)
      for (const word of [color, second]) expect(maybe).not.toContain(word)
  })
  it('takenFor: is symmetric', () => {
    expect(takenFor('ring')).toEqual(['rim'])
    expect(takenFor('rim')).toContain('ring')
    expect(takenFor('triangle')).not.toContain('star')
  })
})
