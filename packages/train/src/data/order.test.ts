import { describe, expect, it } from 'vitest'
import type { Dataset } from './dataset.js'
import { orderOf } from './order.js'

const ofSize = (size: number): Dataset => ({ size, read: () => Promise.reject(new Error('not read')) })

describe('orderOf', () => {
  it('keeps the order of endless data', () =>
    expect([0, 1, 700].map(orderOf(ofSize(Infinity), 3))).toEqual([0, 1, 700]))
  it('reshuffles finite data each epoch, as a function of the position', () => {
    const order = orderOf(ofSize(20), 3)
    const rounds = [0, 1].map(r => Array.from({ length: 20 }, (_, i) => order(20 * r + i)))
    for (const round of rounds)
      expect([...round].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(rounds[0]).not.toEqual(rounds[1])
    expect(orderOf(ofSize(20), 3)(27)).toBe(rounds[1][7])
    expect(order(5)).toBe(rounds[0][5])
  })
})
