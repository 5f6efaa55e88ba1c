import { strFromU8, strToU8, unzipSync, Zip, ZipDeflate, ZipPassThrough, type UnzipFileInfo } from 'fflate'
import { refuse, refusing, SamError } from '@sam/core/graph'
import type { Snapshot } from '../store/annotator.js'
import { JsonReader } from './json-reader.js'
import { assemble, pictureJson, projectJson, readPicture, readProject } from './project-json.js'

/** The file in the archive that holds everything but the pixels. */
const index = 'project.json'

/**
 * Limits of a file that is read, in bytes and pictures. A zip archive without extensions ends at 4 GB. `growth`: how
 * much larger than the file its pictures may be, since an archive can expand to a million times its size.
 */
const limits = { file: 4e9, index: 256e6, growth: 4, pictures: 10_000 }

/**
 * A project as one file: a zip archive of `project.json` and the pictures as they were opened. Masks are in the format
 * of `Mask.toJSON`. Throws `E_BAD_OPTION` if a picture's file is missing, or for more than 4 GB.
 */
export async function writeProjectFile({ project, blobOf, candidatesOf }: Snapshot): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let failed: Error | undefined
  const zip = new Zip((error, chunk) => {
    failed ??= error ?? undefined
    chunks.push(chunk)
  })
  const add = (file: ZipPassThrough | ZipDeflate, bytes: Uint8Array): void => {
    zip.add(file)
    file.push(bytes, true)
  }
  const pictures = project.pictures.map((picture, i) => {
    const blob = blobOf(picture.id) ?? refuse('E_BAD_OPTION', `the file of ${picture.name} is missing: open it again`)
    const safe = picture.name.replace(/[^\w.-]+/g, '_').slice(-80)
    return { picture, blob, file: `pictures/${i + 1}-${safe}` }
  })
  const size = pictures.reduce((sum, { blob }) => sum + blob.size, 0)
  if (size > limits.file - limits.index)
    refuse('E_BAD_OPTION', `a project file must be of at most ${limits.file / 1e9} GB, found ${size} bytes of pictures`)
  const json = {
    ...projectJson(project),
    pictures: pictures.map(({ picture, file, blob }) => ({
      ...pictureJson(picture, candidatesOf),
      file,
      type: blob.type
    }))
  }
  add(new ZipDeflate(index, { level: 6 }), strToU8(JSON.stringify(json)))
  for (const { file, blob } of pictures) add(new ZipPassThrough(file), new Uint8Array(await blob.arrayBuffer()))
  zip.end()
  if (failed) throw failed
  return new Blob(chunks, { type: 'application/zip' })
}

/** Reads a file of {@link writeProjectFile}. Throws `InputError` for what is none, damaged, or beyond the limits. */
export async function readProjectFile(file: Blob): Promise<Snapshot> {
  const fail = refusing('E_BAD_OPTION', `${'name' in file ? String(file.name) : 'project file'}: `)
  if (file.size > limits.file) fail(`must be of at most ${limits.file / 1e9} GB, found ${file.size} bytes`)
  const bytes = new Uint8Array(await file.arrayBuffer())
  const unpack = (wanted: (info: UnzipFileInfo) => boolean): Record<string, Uint8Array> => {
    try {
      return unzipSync(bytes, { filter: wanted })
    } catch (cause) {
      if (SamError.is(cause)) throw cause // beyond a limit
      return fail('must be a zip archive of a project; the file is damaged, or is none', cause)
    }
  }
  const found = unpack(({ name, originalSize }) => {
    if (name !== index) return false
    if (originalSize > limits.index) fail(`${index} must be of at most ${limits.index} bytes, found ${originalSize}`)
    return true
  })
  if (!Object.hasOwn(found, index)) fail(`must contain ${index}; open a project that was saved here`)
  let parsed: unknown
  try {
    parsed = JSON.parse(strFromU8(found[index]))
  } catch (cause) {
    fail(`${index} must be JSON; the file is damaged`, cause)
  }
  const json = new JsonReader(parsed, index)
  const project = readProject(json)
  const pictures = json.at('pictures').list(
    item => ({
      ...readPicture(item),
      file: item.at('file').string(/^pictures\/[\w.-]{1,120}$/),
      type: item.at('type').string(/^(image\/[\w.+-]{1,60})?$/)
    }),
    limits.pictures
  )
  if (new Set(pictures.map(({ picture }) => picture.id)).size < pictures.length)
    json.at('pictures').must('pictures with different ids')
  const names = new Set(pictures.map(picture => picture.file))
  let left = limits.growth * file.size
  const files = unpack(({ name, originalSize }) => {
    if (!names.has(name)) return false
    left -= originalSize
    if (left < 0) fail(`its pictures must be of at most ${limits.growth} times the size of the file; ${name} is larger`)
    return true
  })
  const blobs = new Map(
    pictures.map(({ picture, file: name, type }) => {
      if (!Object.hasOwn(files, name)) fail(`must contain ${name}; the file is incomplete`)
      return [picture.id, new Blob([files[name] as Uint8Array<ArrayBuffer>], { type })]
    })
  )
  return assemble(project, pictures, id => blobs.get(id))
}
