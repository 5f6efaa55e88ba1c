import { readFileSync } from 'node:fs'

export interface FixtureTensor<T> {
  readonly shape: readonly number[]
  readonly data: T
}

/**
 * The tensors of fixtures/<name>.safetensors by name. An independent reader, so that expected values do not depend on
 * the tested code. Only bytes (U8) and floats (F32).
 */
export function readFixture(name: string): {
  u8(key: string): FixtureTensor<Uint8Array>
  f32(key: string): FixtureTensor<Float32Array>
} {
  const file = readFileSync(new URL(`../../../fixtures/${name}.safetensors`, import.meta.url))
  const headerBytes = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >
  const read = (key: string, dtype: string) => {
    const entry = header[key]
    if (entry?.dtype !== dtype) throw new Error(`${name}.safetensors must have ${dtype} ${key}, found none`)
    const [from, to] = entry.data_offsets.map(at => 8 + headerBytes + at)
    return { shape: entry.shape, data: Uint8Array.from(file.subarray(from, to)) }
  }
  return {
    u8: key => read(key, 'U8'),
    f32: key => {
      const { shape, data } = read(key, 'F32')
      return { shape, data: new Float32Array(data.buffer) }
    }
  }
}
