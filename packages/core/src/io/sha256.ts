/**
 * Incremental SHA-256 (FIPS 180-4), for files too large to hold in memory. `crypto.subtle.digest` is not incremental.
 */
export interface Sha256 {
  update(bytes: Uint8Array): void
  /** Finishes and returns 64 hexadecimal digits. Call once. */
  digest(): string
}

const primes = Array.from({ length: 312 }, (_, n) => n)
  .filter(n => n > 1 && [2, 3, 5, 7, 11, 13, 17].every(d => n === d || n % d))
  .slice(0, 64)
/** The first 32 bits of the fractional part. */
const fraction = (n: number): number => Math.floor((n - Math.floor(n)) * 2 ** 32)
const rounds = Int32Array.from(primes, p => fraction(Math.cbrt(p)))

export function sha256(): Sha256 {
  const state = Int32Array.from(primes.slice(0, 8), p => fraction(Math.sqrt(p)))
  const words = new Int32Array(64)
  const rest = new Uint8Array(64)
  let [filled, length] = [0, 0]

  const block = (bytes: Uint8Array, at: number): void => {
    for (let i = 0; i < 16; i++, at += 4)
      words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
    for (let i = 16; i < 64; i++) {
      const [a, b] = [words[i - 15], words[i - 2]]
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3)
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10)
      words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0
    }
    let a = state[0],
      b = state[1],
      c = state[2],
      d = state[3],
      e = state[4],
      f = state[5],
      g = state[6],
      h = state[7]
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + rounds[i] + words[i]) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h
  }

  const update = (bytes: Uint8Array): void => {
    length += bytes.length
    let at = 0
    if (filled) {
      at = Math.min(64 - filled, bytes.length)
      rest.set(bytes.subarray(0, at), filled)
      filled += at
      if (filled < 64) return
      block(rest, 0)
    }
    for (; at + 64 <= bytes.length; at += 64) block(bytes, at)
    rest.set(bytes.subarray(at))
    filled = bytes.length - at
  }

  return {
    update,
    digest() {
      const tail = new Uint8Array((filled < 56 ? 64 : 128) - filled)
      tail[0] = 0x80
      new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(length) * 8n)
      update(tail)
      return [...state].map(word => (word >>> 0).toString(16).padStart(8, '0')).join('')
    }
  }
}
