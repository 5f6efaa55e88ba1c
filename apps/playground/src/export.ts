import { pictureOf, type Annotator } from '@sam/annotator'
import { cutOut } from './cut-out.js'
import { pixelsOf } from './image-input.js'

export const exportFormats = ['png', 'coco', 'svg'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** A file of the objects of the picture that is shown; `png`: of the selected one. Undefined if there are none. */
export async function exportPicture(annotator: Annotator, format: ExportFormat): Promise<Blob | undefined> {
  const picture = pictureOf(annotator.project)
  const { image } = annotator.state
  const masked = annotator.masked().filter(({ object }) => format !== 'png' || object.id === annotator.active?.id)
  if (!picture || !image || !masked.length) return undefined
  if (format === 'png') {
    const cut = await cutOut(
      pixelsOf(image),
      masked.map(({ mask }) => mask)
    )
    return new Blob([cut as Uint8Array<ArrayBuffer>], { type: 'image/png' })
  }
  const { writeAnnotations } = await import('@sam/annotations')
  const { name: file, width, height } = picture
  const objects = masked.map(({ object, category, mask }) => ({
    id: String(object.id),
    category: (category?.name ?? object.name).replace(/[\0-\x1f\x7f]/g, ' ').trim() || undefined,
    mask,
    score: object.score ?? mask.predictedIou
  }))
  const [bytes] = writeAnnotations([{ file, width, height, objects }], { format, simplify: 0.5 }).values()
  return new Blob([bytes as Uint8Array<ArrayBuffer>], {
    type: format === 'svg' ? 'image/svg+xml' : 'application/json'
  })
}
