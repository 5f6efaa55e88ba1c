import { describe, expect, it } from 'vitest'
import { createRng } from '@sam/rng'
import { sampleCropRule, isLargeEnough } from './crop-rule.js'

describe('sampleCropRule', () => {
  it('enlarges boxes by 1 … 2 and blackens half of the surroundings', () => {
    const rules = Array.from({ length: 2000 }, (_, i) => sampleCropRule(createRng(i)))
    const grown = rules.map(r => r.grow)
    expect(Math.min(...grown)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...grown)).toBeLessThan(2)
    expect(grown.reduce((a, b) => a + b) / 2000).toBeCloseTo(1.5, 1)
    expect(rules.filter(r => r.zeroOutside).length / 2000).toBeCloseTo(0.5, 1)
    expect(sampleCropRule(createRng(1), { grow: [1.4, 1.4], zeroOutside: 1 })).toEqual({ grow: 1.4, zeroOutside: true })
  })
  it('drops masks under 100² pixels of an image of 1024', () => {
    const mask = (side: number, inside: number) => ({
      width: side,
      height: side / 2,
      data: new Uint8Array((side * side) / 2).fill(1, 0, inside)
    })
    expect([mask(1024, 9_999), mask(1024, 10_000), mask(256, 624), mask(256, 625)].map(isLargeEnough)).toEqual([
      false,
      true,
      false,
      true
    ])
  })
})
