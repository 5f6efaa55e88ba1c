import { refuse } from '@sam/core/graph'
import type { Files } from './annotated-image.js'
import type { Format } from './format.js'
import { annotationFormats, formats, type AnnotationFormat } from './formats.js'

/** Whether a format (default: any) reads files of this name. */
export const isAnnotationFile = (name: string, format?: AnnotationFormat): boolean =>
  (format === undefined ? annotationFormats : [format]).some(one => formats[one].fileNames.test(name))

/** The files whose names a format reads. */
export const filesOf = ({ fileNames }: Format, files: Files): Files =>
  new Map([...files].filter(([name]) => fileNames.test(name)))

/**
 * The format of annotation files, by their names and contents. Throws `InputError` `E_BAD_IMAGE` where it is none of
 * {@link annotationFormats}.
 */
export function detectFormat(files: Files): AnnotationFormat {
  const found = annotationFormats.find(name => {
    const own = filesOf(formats[name], files)
    return own.size > 0 && formats[name].matches(own)
  })
  return (
    found ??
    refuse(
      'E_BAD_IMAGE',
      `annotations must be in one of the formats ${annotationFormats.join(', ')}, found ${files.size} ` +
        `${files.size === 1 ? 'file' : 'files'} of none of them; say which format it is`
    )
  )
}
