import type { Files } from '@sam/annotations'
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate'

/** A file to download. */
export interface PackedFile {
  readonly name: string
  readonly blob: Blob
}

const types: Readonly<Record<string, string>> = {
  png: 'image/png',
  svg: 'image/svg+xml',
  json: 'application/json',
  zip: 'application/zip'
}

const endOf = (name: string): string => /[^.]*$/.exec(name)![0].toLowerCase()

const blobOf = (parts: Uint8Array[], name: string): Blob =>
  new Blob(parts as Uint8Array<ArrayBuffer>[], { type: types[endOf(name)] ?? 'text/plain' })

/** One file as it is, several as one zip. Undefined if there are none. `name`: of the zip, without extension. */
export function packed(files: Files, name: string): PackedFile | undefined {
  const [first, ...rest] = files
  if (!first) return undefined
  if (!rest.length) return { name: first[0], blob: blobOf([first[1]], first[0]) }
  const chunks: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    chunks.push(chunk)
  })
  for (const [path, bytes] of files) {
    // A PNG is compressed already.
    const entry = endOf(path) === 'png' ? new ZipPassThrough(path) : new ZipDeflate(path)
    zip.add(entry)
    entry.push(bytes, true)
  }
  zip.end()
  return { name: `${name}.zip`, blob: blobOf(chunks, `${name}.zip`) }
}
