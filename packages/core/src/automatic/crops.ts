import type { Size } from '../image/resize.js'
import { toLastPixels, type Box } from '../masks/box.js'

/** A crop of the photo, encoded separately. */
export interface CropBox {
  readonly box: Box
  /** 0: the full photo; i: a grid of 2^i × 2^i overlapping crops. */
  readonly layer: number
}

/**
 * The photo and the crops of the other layers; `overlap` is a fraction of the photo's shorter side. Meta:
 * utils/amg.py#generate_crop_boxes.
 */
export function cropBoxes(
  { width, height }: Size,
  { layers, overlap }: { layers: number; overlap: number }
): CropBox[] {
  const crops: CropBox[] = [{ box: [0, 0, width, height], layer: 0 }]
  for (let layer = 1; layer <= layers; layer++) {
    const perSide = 2 ** layer
    const shared = Math.floor(overlap * Math.min(width, height) * (2 / perSide))
    const [w, h] = [width, height].map(side => Math.ceil((shared * (perSide - 1) + side) / perSide)) as [number, number]
    for (let i = 0; i < perSide; i++) {
      for (let j = 0; j < perSide; j++) {
        const [x0, y0] = [(w - shared) * i, (h - shared) * j]
        const box: Box = [x0, y0, Math.min(x0 + w, width), Math.min(y0 + h, height)]
        if (box[0] < box[2] && box[1] < box[3]) crops.push({ box, layer })
      }
    }
  }
  return crops
}

/** A box this close to an edge, in pixels, touches it. Meta: utils/amg.py#is_box_near_crop_edge. */
const near = 20

/**
 * The sides (0 left, 1 top, 2 right, 3 bottom) where a box touches an edge of its crop that is not an edge of the
 * photo: the object is cut off there. All in pixels of the photo. As in Meta's code, the box's own right and bottom
 * are its last pixels.
 */
export const cutSides = (box: Box, crop: Box, { width, height }: Size): number[] => {
  const sides = toLastPixels(box)
  const photo = [0, 0, width, height]
  return [0, 1, 2, 3].filter(i => Math.abs(sides[i] - crop[i]) <= near && Math.abs(sides[i] - photo[i]) > near)
}
