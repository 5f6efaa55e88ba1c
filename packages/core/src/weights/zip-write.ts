import { crc32 } from './crc32.js'
import { failAt } from './fail.js'
import { end64Size, localSize, zipSignature } from './zip.js'

const max16 = 0xffff
const max32 = 0xffffffff

/** A file to write: its bytes are asked for when its turn comes. */
export interface ZipInput {
  readonly name: string
  bytes(): Promise<Uint8Array> | Uint8Array
}

/** Data of an entry begins at a multiple of this many bytes, as in files of `torch.save`. */
const alignment = 64

/**
 * Writes a zip archive of stored entries as a stream of chunks, holding one entry at a time. Each entry's data is
 * aligned to 64 bytes, by an extra field 'FB' as `torch.save` does it. Always ends with zip64 records; an offset goes
 * there when it is not below `narrowLimit`.
 */
export async function* writeZip(
  files: Iterable<ZipInput> | AsyncIterable<ZipInput>,
  narrowLimit = max32
): AsyncGenerator<Uint8Array> {
  const directory: Uint8Array[] = []
  let at = 0
  for await (const file of files) {
    const name = new TextEncoder().encode(file.name)
    const data = await file.bytes()
    if (data.length >= max32) failAt(file.name)(`must have less than 4 GiB to be written, has ${data.length} bytes`)
    const shared = entryFields(crc32(data), data.length)
    const gap = (alignment - ((at + localSize + name.length + 4) % alignment)) % alignment
    const padding = join(u16(0x4246), u16(gap), new Uint8Array(gap).fill(0x5a))
    const local = join(u32(zipSignature.local), u16(20), shared, u16(name.length), u16(padding.length), name, padding)
    const wide = at >= narrowLimit
    const extra = wide ? join(u16(1), u16(8), u64(at)) : new Uint8Array(0)
    directory.push(
      join(
        u32(zipSignature.central),
        u16(45),
        u16(45),
        shared,
        u16(name.length),
        u16(extra.length),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(wide ? max32 : at),
        name,
        extra
      )
    )
    yield local
    yield data
    at += local.length + data.length
  }
  const central = join(...directory)
  const count = directory.length
  const narrow = (value: number, max: number): number => (value >= Math.min(max, narrowLimit) ? max : value)
  yield central
  yield join(
    u32(zipSignature.end64),
    u64(end64Size - 12),
    u16(45),
    u16(45),
    u32(0),
    u32(0),
    u64(count),
    u64(count),
    u64(central.length),
    u64(at),
    u32(zipSignature.locator64),
    u32(0),
    u64(at + central.length),
    u32(1),
    u32(zipSignature.end),
    u16(0),
    u16(0),
    u16(narrow(count, max16)),
    u16(narrow(count, max16)),
    u32(narrow(central.length, max32)),
    u32(narrow(at, max32)),
    u16(0)
  )
}

/** Flags (UTF-8 name), method (stored), time, date (1980-01-01), CRC, packed size, size: the same in both headers. */
const entryFields = (crc: number, size: number): Uint8Array =>
  join(u16(0x800), u16(0), u16(0), u16(0x21), u32(crc), u32(size), u32(size))

const u16 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8)
const u32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
const u64 = (value: number): Uint8Array => join(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)))

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
