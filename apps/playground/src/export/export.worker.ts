/** Makes the files of exports, so that the page and the model's thread stay responsive. */
import { InputError, type MultiPolygon } from '@sam/core'
import { serve } from '@sam/worker'
import { cutOut } from './cut-out.js'
import { cleaned, type ExportPicture } from './export-picture.js'
import { makeFiles, outlinesOf } from './make-files.js'
import { packed } from './packed.js'
import type { ExportCalls, TracedOutline } from './protocol.js'

/** RGBA pixels of a picture. Throws `InputError` `E_BAD_IMAGE`. */
async function pixelsOf({ blob, width, height }: ExportPicture): Promise<ImageData> {
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' })
  try {
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (!context)
      throw new InputError('E_BAD_IMAGE', `a picture of ${width} × ${height} pixels is too large for this browser`)
    context.drawImage(bitmap, 0, 0)
    return context.getImageData(0, 0, width, height)
  } finally {
    bitmap.close()
  }
}

/** Rings end with their first position; here they do not. */
function traced(polygons: MultiPolygon): TracedOutline {
  const rings = polygons.flat().map(ring => ring.slice(0, -1))
  return {
    path: rings.map(ring => `M${ring.join('L')}Z`).join(''),
    vertices: Float32Array.from(rings.flat(2))
  }
}

const calls: ExportCalls = {
  async exportFiles({ pictures, format, masks, name }, { signal, onStep }) {
    return packed(await makeFiles(pictures, { format, masks, pixelsOf, signal, onStep }), name)
  },
  async traceOutlines(pictures, masks, shown) {
    const outlines = await Promise.all(pictures.map(picture => outlinesOf(picture, masks)))
    const rings = outlines.flat(3)
    return {
      shown: (outlines[shown] ?? []).map(traced),
      vertices: rings.reduce((sum, ring) => sum + ring.length - 1, 0)
    }
  },
  async cutOut(picture, masks) {
    const objects = picture.objects.map(({ mask }) => cleaned(mask, masks))
    const png = await cutOut(await pixelsOf(picture), objects, masks)
    return new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' })
  }
}

serve(() => ({ calls }))
