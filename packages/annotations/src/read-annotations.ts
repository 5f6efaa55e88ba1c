import { SamError } from '@sam/core'
import { brief, readOptions, refuse, shown } from '@sam/core/graph'
import type { AnnotatedImage, Files, ImageInfo } from './annotated-image.js'
import { detectFormat, filesOf } from './detect-format.js'
import { failingIn } from './fail.js'
import { annotationFormats, formats, type AnnotationFormat } from './formats.js'
import { fileByteLimit } from './limits.js'

export interface ReadOptions {
  /** Default: what `detectFormat` finds. */
  readonly format?: AnnotationFormat | undefined
  /**
   * The image that a file means, for formats that do not store its size: all images of YOLO, and foreign GeoJSON and
   * Label Studio tasks without results. `name` may lack its extension (YOLO without a list of images, VOC, GeoJSON).
   */
  readonly findImage?: ((name: string) => ImageInfo | undefined | Promise<ImageInfo | undefined>) | undefined
  /**
   * Called with the reason for each annotation that cannot be used: a box, a line, a mask without pixels, a polygon of
   * two positions. It is then skipped. Default: such an annotation is an error.
   */
  readonly onSkipped?: ((reason: string) => void) | undefined
  /** Most bytes of one file. JSON and XML take many times their size in memory. Default: 128 MiB. */
  readonly maxBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads annotation files of one format, by their names below the folder of the format; other files are ignored. Throws
 * `InputError` `E_BAD_IMAGE` for files that are not of the format, for invalid values, and over a limit.
 */
export async function readAnnotations(files: Files, options: ReadOptions = {}): Promise<AnnotatedImage[]> {
  const {
    format,
    findImage,
    onSkipped,
    maxBytes = fileByteLimit,
    signal
  } = readOptions('readAnnotations', options, {
    format: true,
    findImage: true,
    onSkipped: true,
    maxBytes: true,
    signal: true
  })
  if (!(files instanceof Map)) refuse('E_BAD_OPTION', `readAnnotations: files must be a Map, found ${shown(files)}`)
  for (const [name, bytes] of files as Files) {
    if (!((bytes as unknown) instanceof Uint8Array))
      refuse('E_BAD_OPTION', `readAnnotations: '${brief(name)}' must be a Uint8Array, found ${shown(bytes)}`)
    if (!(bytes.length <= maxBytes))
      failingIn(name)(`it may have ${shown(maxBytes)} bytes, found ${bytes.length}; raise maxBytes, or --max-bytes`)
  }
  if (format !== undefined) checkFormat(format)
  signal?.throwIfAborted()
  const reader = formats[format ?? detectFormat(files)]
  const own = filesOf(reader, files)
  if (own.size === 0)
    refuse('E_BAD_IMAGE', `there must be files of ${reader.title}, found none whose name matches ${reader.fileNames}`)
  return reader.read(own, {
    findImage: async name => findImage?.(name),
    attempt: read => {
      if (!onSkipped) return read()
      try {
        return read()
      } catch (error) {
        if (!SamError.is(error)) throw error
        onSkipped(error.message)
        return undefined
      }
    },
    pause: async () => {
      if (!signal) return
      await new Promise(resolve => setTimeout(resolve))
      signal.throwIfAborted()
    }
  })
}

/** Throws `E_BAD_OPTION` for what is no format. */
export function checkFormat(format: string): void {
  if (!Object.hasOwn(formats, format))
    refuse('E_BAD_OPTION', `format must be one of ${annotationFormats.join(', ')}, found ${shown(format)}`)
}
