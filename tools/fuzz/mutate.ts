import type { Random } from './random.js'

/** A way to damage bytes. `corpus` are undamaged examples, for splices. */
type Mutation = (bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]) => Uint8Array

/** Boundary values at which readers may fail. */
const edges = [
  0n,
  1n,
  7n,
  8n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 62n,
  2n ** 64n - 1n
]

const mutations: Readonly<Record<string, Mutation>> = {
  flip: (bytes, random) =>
    changed(bytes, out => {
      out[random.below(out.length)] ^= 1 << random.below(8)
    }),
  set: (bytes, random) =>
    changed(bytes, out => {
      out[random.below(out.length)] = random.below(256)
    }),
  truncate: (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  remove: (bytes, random) => {
    const [from, to] = range(bytes, random)
    return joined(bytes.subarray(0, from), bytes.subarray(to))
  },
  repeat: (bytes, random) => {
    const [from, to] = range(bytes, random)
    return joined(bytes.subarray(0, to), bytes.subarray(from))
  },
  splice: (bytes, random, corpus) => {
    const other = random.pick(corpus)
    const [from, to] = range(bytes, random)
    const [begin, end] = range(other, random)
    return joined(bytes.subarray(0, from), other.subarray(begin, end), bytes.subarray(to))
  },
  length: (bytes, random) =>
    changed(bytes, out => {
      const width = random.pick([1, 2, 4, 8])
      const value = random.below(2) ? random.pick(edges) : BigInt(bytes.length + random.below(17) - 8)
      const at = random.below(out.length)
      for (let i = 0; i < width && at + i < out.length; i++) out[at + i] = Number((value >> BigInt(8 * i)) & 0xffn)
    }),
  number: (bytes, random) => {
    // A decimal number, as in JSON.
    const numbers = [...new TextDecoder('latin1').decode(bytes).matchAll(/\d+/g)]
    if (!numbers.length) return bytes
    const { 0: digits, index } = random.pick(numbers)
    const value = random.pick([
      ...edges.map(String),
      '-1',
      '0.5',
      '1e9',
      '1e400',
      '""',
      String(Number(digits) + 1),
      String(Number(digits) - 1)
    ])
    return joined(bytes.subarray(0, index), new TextEncoder().encode(value), bytes.subarray(index + digits.length))
  }
}

/**
 * The n-th damaged input: every fourth is an example truncated, at each offset in turn; the others have one to four
 * random mutations, half of them one. A pure function of the corpus, `n` and the random numbers.
 */
export function mutated(corpus: readonly Uint8Array[], n: number, random: Random): Uint8Array {
  let cut = n % 4 === 0 ? n / 4 : Infinity
  for (const example of corpus) {
    if (cut < example.length) return example.slice(0, cut)
    cut -= example.length
  }
  let bytes = random.pick(corpus)
  for (let left = 1 + random.below(2) * random.below(4); left > 0; left--)
    bytes = random.pick(Object.values(mutations))(bytes, random, corpus)
  return bytes
}

function changed(bytes: Uint8Array, change: (out: Uint8Array) => void): Uint8Array {
  const out = bytes.slice()
  if (out.length) change(out)
  return out
}

/** A range of up to 64 bytes; one in eight has any length. */
function range(bytes: Uint8Array, random: Random): readonly [from: number, to: number] {
  const from = random.below(bytes.length + 1)
  const length = random.below(8) ? random.below(65) : random.below(bytes.length + 1)
  return [from, Math.min(bytes.length, from + length)]
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
