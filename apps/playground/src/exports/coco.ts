import type { Mask } from '@sam/core'

export interface NamedObject {
  readonly name: string
  /** A CSS colour. */
  readonly color: string
  readonly mask: Mask
}

/** COCO annotation file for one image: compressed RLE; objects with the same name share a category. */
export function coco(
  objects: readonly NamedObject[],
  image: { readonly file: string; readonly width: number; readonly height: number }
): string {
  const names = [...new Set(objects.map(o => o.name))]
  return JSON.stringify(
    {
      images: [{ id: 1, file_name: image.file, width: image.width, height: image.height }],
      annotations: objects.map(({ name, mask }, i) => ({
        id: i + 1,
        image_id: 1,
        category_id: names.indexOf(name) + 1,
        segmentation: mask.toCocoRle(),
        area: mask.area,
        bbox: mask.boxXywh,
        iscrowd: 0,
        predicted_iou: mask.predictedIou,
        stability_score: mask.stability()
      })),
      categories: names.map((name, i) => ({ id: i + 1, name }))
    },
    null,
    2
  )
}
