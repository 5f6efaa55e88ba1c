import { join } from 'node:path'
import { labelMap, maskTree, type AutomaticMask, type MaskNode } from '@sam/core'
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

/** The tree of wholes, parts and subparts. A mask's `id` is its index in the list, counted from `first`. */
export function writeTree(
  masks: readonly AutomaticMask[],
  { file, first }: { readonly file: string; readonly first: number },
  write: WriteResult
): Promise<void> {
  const ids = new Map(masks.map((mask, i) => [mask, first + i]))
  const node = ({ item, level, children }: MaskNode<AutomaticMask>): object => ({
    id: ids.get(item),
    level,
    children: children.map(node)
  })
  return write(file, bytesOf(json(maskTree(masks).map(node))))
}

/** One object per pixel: a PNG of 16-bit grey values, 0 without a mask, else n for the n-th of the list from 1. */
export async function writeLabelMap(
  masks: readonly AutomaticMask[],
  { file, prefer }: { readonly file: string; readonly prefer: 'first' | 'smallest' },
  write: WriteResult
): Promise<void> {
  const { width, height, data } = labelMap(
    masks.map(({ mask }) => mask),
    { prefer }
  )
  const png = await sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer()
  await write(file, [png])
}
