import type { AnnotatedImage, Files } from '@sam/annotations'
import type { MultiPolygon } from '@sam/core'
import { cutOut } from './cut-out.js'
import { categoryOf, cleaned, type ExportPicture, type MaskOptions } from './export-picture.js'
import { isAnnotationName, type AnnotationName, type ExportFormat } from './formats.js'
import { labelFiles } from './label-files.js'
import { stemOf, uniqueNames } from './names.js'

export interface MakeFilesOptions {
  readonly format: ExportFormat
  readonly masks: MaskOptions
  /** Decodes a picture. */
  readonly pixelsOf: (picture: ExportPicture) => Promise<Pick<ImageData, 'width' | 'height' | 'data'>>
  readonly signal?: AbortSignal | undefined
  /** Called after each object. */
  readonly onStep?: ((done: number, total: number) => void) | undefined
}

/**
 * The files of an export, by their names. Pictures without objects are left out of image formats; empty masks are never
 * written, so an export without any mask has no files. Throws the signal's reason after an abort.
 */
export async function makeFiles(given: readonly ExportPicture[], options: MakeFilesOptions): Promise<Files> {
  const { format, masks: maskOptions, signal, onStep } = options
  const names = uniqueNames(given.map(({ file }) => file))
  const total = given.reduce((sum, { objects }) => sum + objects.length, 0)
  let done = 0
  const step = async (): Promise<void> => {
    onStep?.(++done, total)
    await new Promise(resolve => setTimeout(resolve)) // so that an abort can arrive
    signal?.throwIfAborted()
  }
  const pictures = given.map((picture, i) => ({ ...withCleanMasks(picture, maskOptions), file: names[i] }))
  const marked = pictures.filter(({ objects }) => objects.length)
  if (!marked.length) return new Map()
  if (isAnnotationName(format)) {
    const files = await annotationFiles(pictures, format, maskOptions)
    signal?.throwIfAborted()
    return files
  }
  const files = new Map<string, Uint8Array>()
  for (const picture of marked) {
    const stem = stemOf(picture.file)
    if (format === 'labels') {
      for (const [name, bytes] of labelFiles(picture)) files.set(name, bytes)
      await step()
      continue
    }
    const pixels = format === 'cut-out' ? await options.pixelsOf(picture) : undefined
    const ends = uniqueNames(picture.objects.map(({ name }) => `${fileSafe(name)}.png`))
    for (const [i, { mask }] of picture.objects.entries()) {
      const { feather } = maskOptions
      const png = pixels ? await cutOut(pixels, [mask], { feather }) : await mask.toPng({ feather })
      files.set(`${stem}-${ends[i]}`, png)
      await step()
    }
  }
  return files
}

/** What a file name may not contain on some system becomes a hyphen. */
const fileSafe = (name: string): string => name.replace(/[\0-\x1f\x7f\\/:*?"<>|]/g, '-').trim() || 'object'

/**
 * The outlines that the files of an export have: one for each object of the picture with a pixel, in their order. Of
 * formats of pixels, the exact one: without `smooth` and `simplify`.
 */
export async function outlinesOf(picture: ExportPicture, masks: MaskOptions): Promise<readonly MultiPolygon[]> {
  const { outlines } = await import('@sam/annotations')
  return outlines(annotated(withCleanMasks(picture, masks)), masks)
}

const withCleanMasks = (picture: ExportPicture, masks: MaskOptions): ExportPicture => ({
  ...picture,
  objects: picture.objects.flatMap(object =>
    object.mask.area ? [{ ...object, mask: cleaned(object.mask, masks) }] : []
  )
})

const annotated = ({ file, width, height, objects }: ExportPicture): AnnotatedImage => ({
  file,
  width,
  height,
  objects: objects.map(object => ({
    id: String(object.id),
    mask: object.mask,
    category: categoryOf(object),
    score: object.score
  }))
})

async function annotationFiles(
  pictures: readonly ExportPicture[],
  format: AnnotationName,
  { smooth, simplify, shapes }: MaskOptions
): Promise<Files> {
  const { writeAnnotations } = await import('@sam/annotations')
  return writeAnnotations(pictures.map(annotated), { format, shapes, smooth, simplify })
}
