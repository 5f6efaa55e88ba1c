/** A regular file of a tar archive. */
export interface TarFile {
  readonly name: string
  readonly mode: number
  readonly data: Uint8Array
}

/** The regular files of a ustar archive. Directories are left to their files' names; links are refused. */
export function* untar(archive: Buffer): Generator<TarFile> {
  const text = (from: number, length: number): string =>
    archive.toString('utf8', from, from + length).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const [name, mode, size, type] = [
      text(at, 100),
      parseInt(text(at + 100, 8), 8),
      parseInt(text(at + 124, 12), 8),
      text(at + 156, 1)
    ]
    const start = at + 512
    if (!(size >= 0) || start + size > archive.length)
      throw new Error(
        `untar: ${name} must lie inside the archive, found ${size} bytes at ${start} of ${archive.length}`
      )
    if (type === '0' || type === '') yield { name, mode, data: archive.subarray(start, start + size) }
    else if (type !== '5') throw new Error(`untar: ${name} must be a file or a directory, found type '${type}'`)
    at = start + Math.ceil(size / 512) * 512
  }
}
