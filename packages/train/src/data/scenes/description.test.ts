import { describe, expect, it } from 'vitest'
import { captionOf, withoutColor, type Description } from './description.js'
import { colorName, hsv } from './surface.js'

const star: Description = { noun: 'star', color: 'orange', second: 'blue', pattern: 'striped', limbs: true }
const limb: Description = { noun: 'limb', color: 'red', pattern: 'plain', of: { link: 'of', whole: star } }

describe('captions', () => {
  it('say all that is known, parts with what they are part of', () => {
    expect(captionOf(star)).toBe('a striped orange and blue star with limbs')
    expect(captionOf({ ...star, pattern: 'plain' })).toBe('an orange and blue star with limbs')
    expect(captionOf(limb)).toBe('a red limb of a striped orange and blue star with limbs')
    expect(captionOf({ noun: 'body', color: 'red', pattern: 'plain', of: { link: 'of', whole: { noun: 'oval', pattern: 'dotted' } } })).toBe('the red body of a dotted oval')
  })
  it('name no colour where the camera sees none', () => expect(captionOf(withoutColor(limb))).toBe('a limb of a striped star with limbs'))
})

describe('names of colours', () => {
  it('are those that people use', () => {
    const named = (hue: number, saturation = 0.8, value = 0.9): string => colorName(hsv(hue, saturation, value))
    expect([0, 28, 52, 120, 180, 225, 275, 325].map(hue => named(hue))).toEqual(['red', 'orange', 'yellow', 'green', 'cyan', 'blue', 'purple', 'pink'])
    expect([[355, 0.8, 0.9], [30, 0.8, 0.5], [100, 0.05, 0.9], [100, 0.05, 0.5], [100, 0.9, 0.1]].map(([h, s, v]) => named(h, s, v))).toEqual(['red', 'brown', 'white', 'gray', 'black'])
  })
})
