import type { FileHandle } from 'node:fs/promises'
import { entryOf, parseJson, withFile } from './json.js'
import { jsonLimit, jsonRestLimit } from './limits.js'
import { unfit } from './unfit.js'

/** Where an entry is in its file, in bytes. */
export interface ByteRange {
  readonly start: number
  readonly length: number
}

/** Called with each entry of a list, in the order of the file. */
export type OnEntry = (entry: Record<string, unknown>, range: ByteRange) => void

/**
 * Reads the lists of a JSON object entry by entry: `{ "images": [ … ], "annotations": [ … ] }`, of any size, in memory
 * for one entry (`jsonLimit`) and for what is outside the lists ({@link jsonRestLimit}). Entries are parsed by
 * {@link parseJson}, so only their boundaries are found here: brackets and commas outside strings. Throws `InputError`
 * `E_BAD_IMAGE` where the file is missing, not JSON, or has no such list.
 */
export async function readLists(
  path: string,
  lists: Readonly<Record<string, { readonly onEntry: OnEntry; readonly optional?: boolean }>>
): Promise<FileVersion> {
  const [rest, version] = await withFile(
    path,
    async file => [await splitLists(file, path, lists), await versionOf(file)] as const
  )
  for (const [field, { optional }] of Object.entries(lists)) {
    // What `rest` holds of a list are the entries that were not recognised as such.
    const list = (rest as Record<string, unknown> | null)?.[field]
    if (list === undefined && optional) continue
    if (!Array.isArray(list) || list.length) throw unfit(path, `'${field}' must be a list`)
  }
  return version
}

/** The size and the time of the last change of a file. */
export type FileVersion = string

async function versionOf(file: FileHandle): Promise<FileVersion> {
  const { size, mtimeNs } = await file.stat({ bigint: true })
  return `${size} ${mtimeNs}`
}

/** Calls `onEntry` for each entry, and returns the rest: the object with its lists empty. */
async function splitLists(
  file: FileHandle,
  path: string,
  lists: Readonly<Record<string, { readonly onEntry: OnEntry }>>
): Promise<unknown> {
  const opening = new RegExp(`"(${Object.keys(lists).join('|')})"\\s*:\\s*$`)
  const rest = kept(path, jsonRestLimit)
  const entry = kept(path, jsonLimit)
  let [depth, inString, escaped] = [0, false, false]
  let list: { readonly field: string; at: number } | undefined
  /** Ends the entry that reaches up to `end`; `last` is true before the closing bracket. */
  const endEntry = (end: number, last: boolean): void => {
    const bytes = entry.take()
    if (last && list!.at === 0 && bytes.every(byte => whitespace.has(byte))) return
    const { field } = list!
    const parsed = entryOf(parseJson(bytes, path), path, { field, at: list!.at++ })
    lists[field].onEntry(parsed, { start: end - bytes.length, length: bytes.length })
  }
  const chunk = new Uint8Array(2 ** 20)
  for (let from = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, from)
    if (bytesRead === 0) break
    let done = 0
    /** Keeps the bytes up to an index, for the entry or for the rest. */
    const keep = (upTo: number): void => {
      ;(list ? entry : rest).add(chunk.subarray(done, upTo))
      done = upTo
    }
    for (let i = 0; i < bytesRead; i++) {
      const byte = chunk[i]
      if (inString) {
        if (escaped) escaped = false
        else if (byte === backslash) escaped = true
        else if (byte === quote) inString = false
      } else if (byte === quote) inString = true
      else if (byte === openBrace || byte === openBracket) {
        depth++
        if (list || depth !== 2 || byte !== openBracket) continue
        keep(i)
        const field = opening.exec(rest.tail())?.[1]
        if (field === undefined) continue
        keep(i + 1)
        list = { field, at: 0 }
      } else if (byte === closeBrace || byte === closeBracket) {
        depth--
        if (!list || depth !== 1) continue
        keep(i)
        endEntry(from + i, true)
        list = undefined
      } else if (byte === comma && list && depth === 2) {
        keep(i)
        endEntry(from + i, false)
        done = i + 1
      }
    }
    keep(bytesRead)
    from += bytesRead
  }
  if (list) throw unfit(path, 'it is not valid JSON in UTF-8 (it ends inside a list)')
  return parseJson(rest.take(), path)
}

const [quote, backslash, comma, openBracket, closeBracket, openBrace, closeBrace] = Buffer.from('"\\,[]{}')
const whitespace = new Set(Buffer.from(' \t\r\n'))

/** Bytes that are kept, up to a limit. */
function kept(path: string, limit: number) {
  let [buffer, length] = [new Uint8Array(2 ** 16), 0]
  return {
    add(bytes: Uint8Array): void {
      if (length + bytes.length > limit)
        throw unfit(path, `one entry of it may have ${limit} bytes, found more; is it COCO's JSON?`)
      if (length + bytes.length > buffer.length) {
        const larger = new Uint8Array(Math.max(2 * buffer.length, length + bytes.length))
        larger.set(buffer.subarray(0, length))
        buffer = larger
      }
      buffer.set(bytes, length)
      length += bytes.length
    },
    /** All bytes, valid until the next `add`. */
    take(): Uint8Array {
      const bytes = buffer.subarray(0, length)
      length = 0
      return bytes
    },
    /** The last bytes as text: enough for the name of a list. */
    tail: (): string => Buffer.from(buffer.subarray(Math.max(0, length - 100), length)).toString('latin1')
  }
}

/**
 * Reads entries again, where {@link readLists} found them. Throws `InputError` `E_BAD_IMAGE` where the file has changed
 * since then.
 */
export async function readEntries(
  path: string,
  version: FileVersion,
  ranges: readonly ByteRange[]
): Promise<Record<string, unknown>[]> {
  return withFile(path, async file => {
    if ((await versionOf(file)) !== version) throw unfit(path, 'it was written to after it was opened; open it again')
    const entries = []
    for (const [at, { start, length }] of ranges.entries()) {
      const bytes = new Uint8Array(length)
      await file.read(bytes, 0, length, start)
      entries.push(entryOf(parseJson(bytes, path), path, { field: 'annotations', at }))
    }
    return entries
  })
}
