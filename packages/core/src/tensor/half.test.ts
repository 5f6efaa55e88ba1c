import { describe, expect, it } from 'vitest'
import { f16ToNumber, narrowF16, numberToF16, widenBf16, widenF16 } from './half.js'

/**
 * All non-negative f16 values, enumerated from the definition instead of computed from bits: step by step, binade by
 * binade.
 */
function* halves(): Generator<number> {
  for (let fraction = 0; fraction < 1024; fraction++) yield fraction * 2 ** -24
  for (let exponent = -14; exponent <= 15; exponent++)
    for (let fraction = 0; fraction < 1024; fraction++) yield 2 ** exponent + fraction * 2 ** (exponent - 10)
}
const positive = [...halves()]

describe('f16', () => {
  it('follows the definition for all 65,536 codes', () => {
    const wide = widenF16(Uint16Array.from({ length: 65536 }, (_, i) => i))
    const wrong: number[] = []
    for (let code = 0; code < 65536; code++) {
      const magnitude = code & 0x7fff
      const size = magnitude < 0x7c00 ? positive[magnitude] : magnitude === 0x7c00 ? Infinity : NaN
      const expected = code & 0x8000 ? -size : size
      if (!Object.is(f16ToNumber(code), expected) || !Object.is(wide[code], expected)) wrong.push(code)
    }
    expect(wrong).toEqual([])
  })

  it('round-trips all codes', () => {
    const wrong: number[] = []
    for (let code = 0; code < 65536; code++) {
      const back = numberToF16(f16ToNumber(code))
      const isNaNCode = (code & 0x7fff) > 0x7c00
      if (isNaNCode ? (back & 0x7fff) <= 0x7c00 : back !== code) wrong.push(code)
    }
    expect(wrong).toEqual([])
  })

  it('rounds to nearest, ties to even', () => {
    const wrong: string[] = []
    for (let code = 0; code < 0x7c00; code++) {
      const low = positive[code]
      const high = positive[code + 1] ?? 2 ** 16 // the one after the last would be 65536
      const middle = (low + high) / 2
      const [below, above] = [(low + middle) / 2, (high + middle) / 2]
      const even = code % 2 === 0 ? code : code + 1
      for (const [value, expected] of [
        [below, code],
        [middle, even],
        [above, code + 1]
      ] as const) {
        if (numberToF16(value) !== expected || numberToF16(-value) !== (expected | 0x8000)) wrong.push(`${value}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('overflows to infinity and underflows to zero, keeping the sign', () => {
    expect([65504, 65519.99, 65520, 1e30, Infinity].map(numberToF16)).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00])
    expect([2 ** -24, 2 ** -25, 2 ** -25 * 1.001, -1e-30, -0].map(numberToF16)).toEqual([1, 0, 1, 0x8000, 0x8000])
    expect(numberToF16(NaN)).toBe(0x7e00)
  })

  it('agrees with Math.f16round if the engine has it', () => {
    const { f16round } = Math as { f16round?: (x: number) => number }
    if (!f16round) return
    const wrong: number[] = []
    for (let exponent = -30; exponent < 20; exponent++) {
      for (let i = 0; i < 400; i++) {
        const x = Math.fround((1 + i / 397) * 2 ** exponent)
        if (f16ToNumber(numberToF16(x)) !== f16round(x)) wrong.push(x)
      }
    }
    expect(wrong).toEqual([])
  })

  it('narrows arrays', () => {
    expect(narrowF16(new Float32Array([1, -2, 0.1]))).toEqual(new Uint16Array([0x3c00, 0xc000, 0x2e66]))
  })
})

describe('bf16', () => {
  it('is the upper half of an f32, for all codes', () => {
    const view = new DataView(new ArrayBuffer(4))
    const wide = widenBf16(Uint16Array.from({ length: 65536 }, (_, i) => i))
    const wrong: number[] = []
    for (let code = 0; code < 65536; code++) {
      view.setUint16(0, code)
      if (!Object.is(wide[code], view.getFloat32(0))) wrong.push(code)
    }
    expect(wrong).toEqual([])
  })
})
