import { join } from 'node:path'
import { encodePng, overlay, type AutomaticMask, type LabelMap, type MaskNode, type RgbImage } from '@sam/core'
import { toXywh } from '@sam/core/model'
import sharp from 'sharp'
import type { WriteResult } from '../files.js'
import { json } from '../text.js'

const bytesOf = (content: string): Uint8Array[] => [new TextEncoder().encode(content)]

/** The masks as Meta's scripts/amg.py writes them: PNG images 0.png, 1.png, … in `folder`, and metadata.csv. */
export async function writeImages(
  masks: readonly AutomaticMask[],
  { folder, table, feather }: { readonly folder: string; readonly table: string; readonly feather: number },
  write: WriteResult
): Promise<void> {
  for (const [i, { mask }] of masks.entries()) await write(join(folder, `${i}.png`), [await mask.toPng({ feather })])
  await write(table, bytesOf(metadata(masks)))
}

const columns =
  'id,area,bbox_x0,bbox_y0,bbox_w,bbox_h,point_input_x,point_input_y,predicted_iou,stability_score,' +
  'crop_box_x0,crop_box_y0,crop_box_w,crop_box_h'

/** The table of Meta's amg.py#write_masks_to_folder. */
const metadata = (masks: readonly AutomaticMask[]): string =>
  [
    columns,
    ...masks.map(({ mask, area, stability, point, crop }, id) =>
      [id, area, ...mask.boxXywh, point.x, point.y, mask.predictedIou, stability, ...toXywh(crop)].join(',')
    )
  ]
    .map(line => `${line}\n`)
    .join('')

/** The masks as one JSON file of Meta's records with COCO RLE. */
export const writeRecords = (masks: readonly AutomaticMask[], file: string, write: WriteResult): Promise<void> =>
  write(file, bytesOf(json(masks.map(recordOf))))

/** A record of Meta's `generate`, with COCO RLE. `bbox` is COCO's: its width and height are one more than Meta's. */
const recordOf = ({ mask, stability, point, crop }: AutomaticMask): object => ({
  ...mask.toJSON(),
  point_coords: [[point.x, point.y]],
  stability_score: stability,
  crop_box: toXywh(crop)
})

/** The masks, their tree or their label map, drawn over the photo. */
export const writeOverlay = async (
  photo: RgbImage,
  { file, masks }: { readonly file: string; readonly masks: Parameters<typeof overlay>[1] },
  write: WriteResult
): Promise<void> => write(file, [await encodePng(overlay(photo, masks))])

/** A tree of wholes, parts and subparts. A mask's `id` is its index in the list, counted from `first`. */
export function writeTree(
  tree: readonly MaskNode<AutomaticMask>[],
  { masks, file, first }: { readonly masks: readonly AutomaticMask[]; readonly file: string; readonly first: number },
  write: WriteResult
): Promise<void> {
  const ids = new Map(masks.map((mask, i) => [mask, first + i]))
  const node = ({ item, level, children }: MaskNode<AutomaticMask>): object => ({
    id: ids.get(item),
    level,
    children: children.map(node)
  })
  return write(file, bytesOf(json(tree.map(node))))
}

/** A label map as a PNG of 16-bit grey values. */
export async function writeLabelMap(
  { width, height, data }: LabelMap,
  file: string,
  write: WriteResult
): Promise<void> {
  const png = sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png()
  await write(file, [await png.toBuffer()])
}
