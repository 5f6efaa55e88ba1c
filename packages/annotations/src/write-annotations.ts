import { brief, readOptions, refuse, shown } from '@sam/core/graph'
import type { AnnotatedImage, AnnotatedObject, Files } from './annotated-image.js'
import type { WriteOptions } from './format.js'
import { formats, type AnnotationFormat } from './formats.js'
import { checkFormat } from './read-annotations.js'

/**
 * Writes annotated images as the files of a format, by their names below the folder of the format. Throws `InputError`
 * `E_BAD_OPTION` for invalid options and images: masks of another size than their image or without pixels, equal ids,
 * scores that are not finite; and for what the format cannot hold.
 */
export function writeAnnotations(
  images: readonly AnnotatedImage[],
  options: WriteOptions & { readonly format: AnnotationFormat }
): Files {
  const { format, ...own } = readOptions('writeAnnotations', options, {
    format: true,
    shapes: true,
    simplify: true,
    smooth: true,
    prefer: true
  })
  checkFormat(format)
  const { shapes, simplify, smooth } = own
  if (shapes !== undefined && shapes !== 'mask' && shapes !== 'polygon')
    refuse('E_BAD_OPTION', `shapes must be 'mask' or 'polygon', found ${shown(shapes)}`)
  if (simplify !== undefined && !(Number.isFinite(simplify) && simplify >= 0))
    refuse('E_BAD_OPTION', `simplify must be a number of pixels from 0, found ${shown(simplify)}`)
  if (smooth !== undefined && typeof smooth !== 'boolean')
    refuse('E_BAD_OPTION', `smooth must be true or false, found ${shown(smooth)}`)
  const files = new Set<string>()
  for (const image of images) {
    if (typeof image.file !== 'string' || image.file === '' || files.has(image.file))
      refuse('E_BAD_OPTION', `each image must have its own file name, found ${shown(image.file)}`)
    files.add(image.file)
    checkObjects(image)
  }
  return formats[format].write(images, own)
}

function checkObjects({ file, width, height, objects }: AnnotatedImage): void {
  const ids = new Set<string>()
  for (const { id, mask, category, score } of objects) {
    const fail = (text: string): never => refuse('E_BAD_OPTION', `'${brief(file)}', object ${shown(id)}: ${text}`)
    if (typeof id !== 'string' || id === '' || ids.has(id)) fail('each object must have its own id')
    ids.add(id)
    if (mask.width !== width || mask.height !== height)
      fail(`its mask must have the size of the image, ${width} × ${height}, found ${mask.width} × ${mask.height}`)
    if (mask.area === 0) fail('its mask must have pixels inside, found none; leave it out')
    if (score !== undefined && !Number.isFinite(score)) fail(`its score must be a finite number, found ${shown(score)}`)
    if (category !== undefined) checkCategory(category, fail)
  }
}

function checkCategory(category: AnnotatedObject['category'], fail: (text: string) => never): void {
  const isName: boolean = typeof category === 'string' && category.trim() === category && category !== ''
  if (!isName || /[\0-\x1f\x7f]/.test(category!))
    fail(`its category must be a text without control characters and spaces around it, found ${shown(category)}`)
}
