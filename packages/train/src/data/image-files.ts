import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { unfit } from './unfit.js'

/** A file below a folder: its path with `/` between folders, in NFC for comparison, and as it is on disk. */
export interface ListedFile {
  readonly name: string
  readonly path: string
}

const isHidden = (name: string): boolean => name.split('/').some(part => part.startsWith('.') || part === '__MACOSX')

/**
 * The files below a folder whose names match `pattern`, in order of their names; hidden ones are left out. macOS stores
 * names in NFD, so names are compared in NFC. Throws `InputError` `E_BAD_IMAGE` where there is no such folder; its
 * message begins with `what`.
 */
export async function listFiles(folder: string, pattern: RegExp, what: string): Promise<readonly ListedFile[]> {
  const names = await readdir(folder, { recursive: true }).catch((cause: Error) => {
    throw unfit(what, cause.message, cause)
  })
  return names
    .filter(name => pattern.test(name))
    .map(name => ({ name: name.split(sep).join('/').normalize('NFC'), path: join(folder, name) }))
    .filter(({ name }) => !isHidden(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Names of pictures that are read as images and masks. */
export const imageName = /\.(jpe?g|png|webp|tiff?)$/i

/** A name without its extension; folders stay. */
export const stemOf = (name: string): string => name.replace(/\.[^./]*$/, '')

/**
 * The file that a data set means by a name, which may be an absolute path of another computer, have backslashes, or
 * lack the sub-folder: the longest end of it that is the path of a file; else the only file with its last part. Nothing
 * outside the folder is read. Undefined where there is none, or several.
 */
export function fileFinder(files: readonly ListedFile[]): (name: string) => ListedFile | undefined {
  const byName = new Map(files.map(file => [file.name, file]))
  const byLast = new Map<string, ListedFile[]>()
  for (const file of files) {
    const last = lastPart(file.name)
    const same = byLast.get(last)
    if (same) same.push(file)
    else byLast.set(last, [file])
  }
  return given => {
    const parts = given
      .normalize('NFC')
      .split(/[/\\]+/)
      .filter(part => part !== '' && part !== '.')
    for (let from = parts.lastIndexOf('..') + 1; from < parts.length; from++) {
      const file = byName.get(parts.slice(from).join('/'))
      if (file) return file
    }
    const [file, other] = byLast.get(parts.at(-1) ?? '') ?? []
    return other ? undefined : file
  }
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('/') + 1)
