import { encodePng, Mask } from '@sam/core'
import { uniteRuns } from '@sam/core/model'

/**
 * PNG of the picture inside the union of the masks, transparent elsewhere, cropped to what is not transparent. With
 * `feather`, the edge fades over about that many pixels on each side. Masks have the size of the picture, and there is
 * at least one that is not empty.
 */
export function cutOut(
  { width, height, data: rgba }: Pick<ImageData, 'width' | 'height' | 'data'>,
  masks: readonly Mask[],
  { feather = 0 }: { feather?: number } = {}
): Promise<Uint8Array> {
  const union = new Mask({ width, height, inside: uniteRuns(masks.map(({ runs }) => runs)) })
  const box = union.boxXyxy
  const margin = Math.ceil(2 * feather)
  const [left, top] = [Math.max(0, box[0] - margin), Math.max(0, box[1] - margin)]
  const [right, bottom] = [Math.min(width, box[2] + margin), Math.min(height, box[3] + margin)]
  const alpha = union.toAlpha({ feather })
  const data = new Uint8Array((right - left) * (bottom - top) * 4)
  for (let y = top, at = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, at += 4) {
      const from = y * width + x
      if (!alpha[from]) continue
      data.set(rgba.subarray(from * 4, from * 4 + 3), at)
      data[at + 3] = Math.round((alpha[from] * rgba[from * 4 + 3]) / 255)
    }
  }
  return encodePng({ width: right - left, height: bottom - top, data })
}
