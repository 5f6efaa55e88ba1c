import { stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import {
  annotationFormats,
  isAnnotationFile,
  writeAnnotations,
  type AnnotatedImage,
  type AnnotationFormat,
  type Files,
  type ImageInfo
} from '@sam/annotations'
import type { Mask } from '@sam/core'
import { readPictureHeader } from '@sam/core/model'
import { fileFinder, imageName, listFiles, stemOf } from '@sam/train/toolkit'
import { Option } from 'commander'
import { CliError } from './failure.js'
import { readInput, refuseOverwriting, stem, type WriteResult } from './files.js'
import { decimal } from './numbers.js'

/** How annotations are written. */
export interface AnnotationOptions {
  readonly shapes?: 'mask' | 'polygon'
  readonly simplify?: number
  readonly smooth?: true
  readonly prefer?: 'first' | 'smallest'
}

/** The options of {@link AnnotationOptions}. */
export const annotationOptions = (): readonly Option[] => [
  new Option('--shapes <kind>', 'masks, or polygons, where a format has both (default: mask)').choices([
    'mask',
    'polygon'
  ]),
  new Option(
    '--simplify <pixels>',
    'tolerance of polygons; touching objects keep a common border (default: 0, exact)'
  ).argParser(decimal('--simplify')),
  new Option('--smooth', 'polygons along the logits, with positions between pixels, instead of along pixel edges'),
  new Option('--prefer <which>', 'voc: the object of a pixel that several contain (default: first)').choices([
    'first',
    'smallest'
  ])
]

/** The annotation files below a folder, or one file. Throws `E_INPUT`. */
export async function readAnnotationFiles(
  path: string,
  { format, signal }: { format: AnnotationFormat | undefined; signal: AbortSignal }
): Promise<Files> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory())
    return new Map([[basename(path), await readInput(path, { signal })]])
  const files = new Map<string, Uint8Array>()
  for (const { name, path: file } of await listFiles(path, /./, `${path} must be a folder`))
    if (isAnnotationFile(name, format)) files.set(name, await readInput(file, { signal }))
  if (!files.size) throw new CliError('E_INPUT', `${path}: a folder must hold annotation files, found none`)
  return files
}

/** Finds images below a folder by name, with or without extension: their upright size. */
export async function imagesBelow(folder: string): Promise<(name: string) => Promise<ImageInfo | undefined>> {
  const files = await listFiles(folder, imageName, `${folder} must be the folder of the images`)
  const [byName, byStem] = [files, files.map(file => ({ ...file, name: stemOf(file.name) }))].map(fileFinder)
  return async name => {
    const found = byName(name) ?? byStem(name)
    if (!found) return undefined
    const { width, height, orientation } = await readPictureHeader(found.path)
    const file = files.find(({ path }) => path === found.path)!.name
    return { file, ...(orientation < 5 ? { width, height } : { width: height, height: width }) }
  }
}

/** The paths of annotation files: below a folder, or the path itself for one file of its extension. */
export function annotationPaths(files: Files, out: string): ReadonlyMap<string, string> {
  const names = [...files.keys()]
  const isFile = names.length === 1 && extname(out) !== '' && extname(out) === extname(names[0])
  return new Map(names.map(name => [name, isFile ? out : join(out, name)]))
}

export async function writeAnnotationFiles(
  files: Files,
  paths: ReadonlyMap<string, string>,
  write: WriteResult
): Promise<void> {
  for (const [name, bytes] of files) await write(paths.get(name)!, [bytes])
}

/** An object that was found in a photo. Without a score of its own, that is the predicted IoU. */
export interface FoundObject {
  readonly mask: Mask
  readonly score?: number
  readonly category?: string
}

/** A photo with the objects that were found in it. Masks without pixels are left out. */
export const annotatedImage = (
  image: string,
  { width, height }: { readonly width: number; readonly height: number },
  objects: readonly FoundObject[]
): AnnotatedImage => ({
  file: image === '-' ? stem(image) : basename(image),
  width,
  height,
  objects: objects
    .filter(({ mask }) => mask.area > 0)
    .map(({ mask, score = mask.predictedIou, category }, i) => ({ id: String(i + 1), mask, score, category }))
})

/** Writes predicted masks in a format, unless that would overwrite one of the inputs. */
export async function writePredicted(
  images: readonly AnnotatedImage[],
  {
    format,
    options: { shapes, simplify, smooth, prefer },
    folder,
    inputs
  }: {
    readonly format: AnnotationFormat
    readonly options: AnnotationOptions
    readonly folder: string
    readonly inputs: readonly (string | undefined)[]
  },
  write: WriteResult
): Promise<void> {
  const files = writeAnnotations(images, { format, shapes, simplify, smooth, prefer })
  const paths = new Map([...files.keys()].map(name => [name, join(folder, name)]))
  await refuseOverwriting([...paths.values()], inputs)
  await writeAnnotationFiles(files, paths, write)
}

export const isAnnotationFormat = (format: string): format is AnnotationFormat =>
  (annotationFormats as readonly string[]).includes(format)
