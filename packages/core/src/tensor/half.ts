const floatView = new Float32Array(1)
const bitsView = new Uint32Array(floatView.buffer)

/** IEEE binary16 bits → number. Exact. */
export function f16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Number → IEEE binary16 bits, rounded to nearest even; overflows to ±Infinity like hardware. */
export function numberToF16(value: number): number {
  floatView[0] = value
  const bits = bitsView[0]
  const sign = (bits >>> 16) & 0x8000
  const exponent = (bits >>> 23) & 0xff
  const fraction = bits & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (fraction ? 0x200 : 0)
  const e = exponent - 112
  if (e >= 31) return sign | 0x7c00
  if (e < -10) return sign
  // A subnormal half keeps the hidden bit and shifts it right; the rounding below is the same for both.
  const mantissa = e > 0 ? fraction : fraction | 0x800000
  const shift = e > 0 ? 13 : 14 - e
  const half = (e > 0 ? e << 10 : 0) + (mantissa >>> shift)
  const rest = mantissa & ((1 << shift) - 1)
  const middle = 1 << (shift - 1)
  return sign | (half + (rest > middle || (rest === middle && half & 1) ? 1 : 0))
}

let f16Table: Float32Array | undefined

/** Widens f16 bits to f32, by a table of all 65,536 values. */
export function widenF16(bits: Uint16Array): Float32Array {
  f16Table ??= Float32Array.from({ length: 65536 }, (_, i) => f16ToNumber(i))
  const out = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = f16Table[bits[i]]!
  return out
}

/** Widens bfloat16 bits (the upper half of an f32) to f32. */
export function widenBf16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = bits[i] << 16
  return new Float32Array(out.buffer)
}

/** Rounds f32 to f16 bits. */
export function narrowF16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) out[i] = numberToF16(values[i]) // several times as fast as Uint16Array.from
  return out
}
