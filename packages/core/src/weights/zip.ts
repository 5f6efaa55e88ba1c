import { crc32 } from './crc32.js'
import { failAt, type Fail } from './fail.js'
import { directoryLimit, entryLimit } from './limits.js'
import { brief } from '../errors.js'
import type { ByteSource } from '#io'

/** A stored file inside a zip archive. */
export interface ZipEntry {
  readonly name: string
  readonly size: number
  readonly crc: number
  /**
   * Where the entry's bytes begin in the archive; read and checked against the local header at the first call. Throws
   * `E_WEIGHTS_FORMAT`.
   */
  dataOffset(signal?: AbortSignal): Promise<number>
}

/** Entries of an archive in file order, by name. */
export type ZipArchive = ReadonlyMap<string, ZipEntry>

/** The four bytes each kind of record begins with. */
export const zipSignature = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50
}
/** Bytes of a local header before its name. */
export const localSize = 30
const centralSize = 46
const endSize = 22
/** Bytes of a zip64 end record. */
export const end64Size = 56
const locator64Size = 20
const max16 = 0xffff
const max32 = 0xffffffff

/**
 * Reads the directory of a zip archive whose entries are stored, not compressed, as `torch.save` writes them. zip64 is
 * understood. Refused with `E_WEIGHTS_FORMAT`: compression (so there are no bombs), encryption, names given twice or
 * leading outside, several disks, entries that overlap each other or the directory, anything between directory, end
 * record and the end of the file.
 */
export async function openZip(source: ByteSource, signal?: AbortSignal): Promise<ZipArchive> {
  const fail: Fail = text => failAt(source.name)(`zip ${text}`)
  const { offset, size, count } = await findDirectory(source, fail, signal)
  if (size > directoryLimit) fail(`directory must have at most ${directoryLimit} bytes, declares ${size}`)
  if (count * centralSize > size) fail(`directory of ${size} bytes is too short for the ${count} entries it declares`)
  if (count > entryLimit) fail(`must have at most ${entryLimit} entries, declares ${count}`)

  const bytes = await source.read(offset, size, signal)
  const records: CentralRecord[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    const record = centralRecord(bytes, at, fail)
    at += record.length
    records.push(record)
  }
  if (at !== size) fail(`directory holds ${size - at} bytes that belong to no entry`)

  // In file order each entry must end where the next one begins or earlier, so no bytes are read under two names.
  records.sort((a, b) => a.header - b.header)
  const archive = new Map<string, ZipEntry>()
  records.forEach((record, i) => {
    const end = records[i + 1]?.header ?? offset
    if (record.header + localSize + record.nameLength + record.size > end)
      fail(`entry '${brief(record.name)}' overlaps what follows it`)
    if (archive.has(record.name)) fail(`entry '${brief(record.name)}' is there twice`)
    archive.set(record.name, entryOf(source, record, end))
  })
  return archive
}

/** Reads an entry whole and checks its CRC. Refuses more than `limit` bytes before it allocates. */
export async function readEntry(
  source: ByteSource,
  entry: ZipEntry,
  { limit, signal }: { limit: number; signal?: AbortSignal | undefined }
): Promise<Uint8Array> {
  const fail = failEntry(source, entry)
  if (entry.size > limit) fail(`must have at most ${limit} bytes, has ${entry.size}`)
  const bytes = await source.read(await entry.dataOffset(signal), entry.size, signal)
  if (crc32(bytes) !== entry.crc) fail('is damaged: its checksum differs; download the file again')
  return bytes
}

const failEntry =
  (source: ByteSource, { name }: { name: string }): Fail =>
  text =>
    failAt(source.name)(`zip entry '${brief(name)}' ${text}`)

interface Directory {
  offset: number
  size: number
  count: number
}

/** Finds the end record, the zip64 one if there is one, and where the directory is. */
async function findDirectory(source: ByteSource, fail: Fail, signal: AbortSignal | undefined): Promise<Directory> {
  const length = Math.min(source.size, endSize + max16 + locator64Size + end64Size)
  const start = source.size - length
  const tail = viewOf(await source.read(start, length, signal))
  let at = length - endSize
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === zipSignature.end && at + endSize + tail.getUint16(at + 20, true) === length)
  )
    at--
  if (at < 0) fail('directory is missing; the file is truncated or is no zip archive')

  const [disk, firstDisk, here, count] = [4, 6, 8, 10].map(field => tail.getUint16(at + field, true))
  const end = { count, size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) }
  const locator = at - locator64Size
  if (locator < 0 || tail.getUint32(locator, true) !== zipSignature.locator64) {
    if (disk !== 0 || firstDisk !== 0 || here !== count) fail('archives of several disks are not read')
    if (end.offset + end.size !== start + at) fail('directory must end where the end record begins')
    return end
  }

  const at64 = locator - end64Size
  const found64 =
    at64 >= 0 && tail.getUint32(at64, true) === zipSignature.end64 && big(tail, locator + 8, fail) === start + at64
  if (!found64) fail('zip64 end record must stand before its locator')
  const wide = {
    offset: big(tail, at64 + 48, fail),
    size: big(tail, at64 + 40, fail),
    count: big(tail, at64 + 32, fail)
  }
  const disks = tail.getUint32(at64 + 16, true) + tail.getUint32(at64 + 20, true)
  if (disks !== 0 || big(tail, at64 + 24, fail) !== wide.count) fail('archives of several disks are not read')
  const agrees = (narrow: number, max: number, value: number): boolean => narrow === max || narrow === value
  const agree =
    agrees(end.count, max16, wide.count) && agrees(end.size, max32, wide.size) && agrees(end.offset, max32, wide.offset)
  if (!agree) fail('end record and zip64 end record differ')
  if (wide.offset + wide.size !== start + at64) fail('directory must end where the zip64 end record begins')
  return wide
}

interface CentralRecord {
  name: string
  nameLength: number
  size: number
  crc: number
  header: number
  flags: number
  length: number
}

const encrypted = 0x1
const sizesFollow = 0x8

function centralRecord(bytes: Uint8Array, at: number, fail: Fail): CentralRecord {
  if (at + centralSize > bytes.length) fail('directory is cut off')
  const view = viewOf(bytes)
  if (view.getUint32(at, true) !== zipSignature.central) fail('directory is damaged: an entry has the wrong signature')
  const flags = view.getUint16(at + 8, true)
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map(offset => view.getUint16(at + offset, true)) as [
    number,
    number,
    number
  ]
  const length = centralSize + nameLength + extraLength + commentLength
  if (at + length > bytes.length) fail('directory is cut off')
  const name = nameOf(bytes.subarray(at + centralSize, at + centralSize + nameLength), fail)
  if (flags & encrypted) fail(`entry '${brief(name)}' is encrypted`)
  if (view.getUint16(at + 10, true) !== 0)
    fail(`entry '${brief(name)}' is compressed; torch.save does not compress, so save it again with it`)

  const extra = bytes.subarray(at + centralSize + nameLength, at + centralSize + nameLength + extraLength)
  const wide = zip64Fields(extra, fail)
  const field = (offset: number): number => {
    const value = view.getUint32(at + offset, true)
    return value === max32 ? wide() : value
  }
  // The zip64 field holds, in this order, those that did not fit.
  const [size, packed, header] = [field(24), field(20), field(42)]
  if (packed !== size) fail(`entry '${brief(name)}' has two sizes, ${packed} and ${size}`)
  return { name, nameLength, size, crc: view.getUint32(at + 16, true), header, flags, length }
}

/** Gives the values of the zip64 extra field one after the other. */
function zip64Fields(extra: Uint8Array, fail: Fail): () => number {
  const view = viewOf(extra)
  let at = 0
  let end = 0
  for (let field = 0; field + 4 <= extra.length && end === 0; ) {
    const next = field + 4 + view.getUint16(field + 2, true)
    if (view.getUint16(field, true) === 1) [at, end] = [field + 4, Math.min(next, extra.length)]
    field = next
  }
  return () => {
    if (at + 8 > end) return fail('entry needs a zip64 field that is not there')
    at += 8
    return big(view, at - 8, fail)
  }
}

function nameOf(bytes: Uint8Array, fail: Fail): string {
  let name: string
  try {
    name = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail('entry names must be UTF-8')
  }
  const leavesArchive = name === '' || /^[/\\]|^[a-z]:|[\\\0]/i.test(name) || name.split('/').includes('..')
  return leavesArchive ? fail(`entry '${brief(name)}' has a name that leads outside the archive`) : name
}

function entryOf(source: ByteSource, record: CentralRecord, end: number): ZipEntry {
  const { name, size, crc, header } = record
  let offset: number | undefined
  return {
    name,
    size,
    crc,
    dataOffset: async signal => {
      if (offset !== undefined) return offset
      const local = await source.read(header, localSize + record.nameLength, signal)
      return (offset = checkLocal(viewOf(local), { record, end, fail: failEntry(source, record) }))
    }
  }
}

/** Checks a local header against the directory and returns where the data begins. */
function checkLocal(
  local: DataView,
  { record, end, fail }: { record: CentralRecord; end: number; fail: Fail }
): number {
  if (local.getUint32(0, true) !== zipSignature.local) fail('has no local header where the directory says')
  const name = new Uint8Array(local.buffer, local.byteOffset + localSize, record.nameLength)
  const sameName = local.getUint16(26, true) === record.nameLength && new TextDecoder().decode(name) === record.name
  const flags = local.getUint16(6, true)
  // Sizes may be left to a record behind the data, or to a zip64 field; the directory has them in any case.
  const agrees = (value: number, wanted: number): boolean =>
    value === wanted || value === max32 || (value === 0 && (flags & sizesFollow) !== 0)
  const same =
    sameName &&
    flags === record.flags &&
    local.getUint16(8, true) === 0 &&
    agrees(local.getUint32(14, true), record.crc) &&
    agrees(local.getUint32(18, true), record.size) &&
    agrees(local.getUint32(22, true), record.size)
  if (!same) fail('is described differently by its local header and by the directory')
  const data = record.header + localSize + record.nameLength + local.getUint16(28, true)
  return data + record.size > end ? fail('overlaps what follows it') : data
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

function big(view: DataView, at: number, fail: Fail): number {
  const value = view.getBigUint64(at, true)
  return value > Number.MAX_SAFE_INTEGER
    ? fail(`has a size or offset of ${value}, which no file reaches`)
    : Number(value)
}
