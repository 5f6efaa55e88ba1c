import { describe, expect, it } from 'vitest'
import type { Plane } from '../prompts/plane.js'
import { random } from '../random.js'
import { bareMask } from './bare-mask.js'

const side = 64
const disc = (cx: number, cy: number, r: number): Plane =>
  ({ width: side, height: side, data: Uint8Array.from({ length: side * side }, (_, i) => Math.hypot(i % side - cx, Math.floor(i / side) - cy) < r ? 1 : 0) })
const without = (a: Plane, ...others: Plane[]): Plane => ({ ...a, data: a.data.map((v, i) => v && others.every(o => !o.data[i]) ? 1 : 0) })

const thing = disc(30, 30, 20)
const [spot, other] = [disc(24, 30, 6), disc(38, 30, 6)]

describe('a thing without what lies on it', () => {
  it('lacks each mask inside it by chance, and keeps nothing else', () => {
    const found = Array.from({ length: 200 }, (_, i) => bareMask(random(5, i), thing, { others: [spot, other], probability: 0.5 }))
    const ways = [thing, without(thing, spot), without(thing, other), without(thing, spot, other)]
    const counts = ways.map(way => found.filter(({ data }) => data.every((v, i) => v === way.data[i])).length)
    for (const n of counts) expect(n).toBeGreaterThan(30)
    expect(counts.reduce((a, b) => a + b, 0)).toBe(200)
    expect(bareMask(random(5, 3), thing, { others: [spot, other], probability: 0.5 })).toEqual(found[3])
    expect(thing).toEqual(disc(30, 30, 20))
  })
  it('keeps itself, what reaches beyond it, what it lies on, and most of itself', () => {
    for (const others of [[thing], [disc(48, 30, 8)], [disc(30, 30, 30)], [disc(30, 30, 15)]]) expect(bareMask(random(1), thing, { others: others, probability: 1 })).toEqual(thing)
  })
  it('stays as it is where too little would be left', () => {
    const many = [disc(30, 30, 12), ...[0, 60, 120, 180, 240, 300].map(turn => disc(30 + 14 * Math.cos(turn * Math.PI / 180), 30 + 14 * Math.sin(turn * Math.PI / 180), 6))]
    expect(bareMask(random(1), thing, { others: many.slice(1), probability: 1 })).not.toEqual(thing)
    expect(bareMask(random(1), thing, { others: many, probability: 1 })).toBe(thing)
  })
})
