/** Makes the files of exports, so that the page and the model's thread stay responsive. */
import { InputError } from '@sam/core'
import { serve } from '@sam/worker'
import { cutOut } from './cut-out.js'
import { cleaned, type ExportPicture } from './export-picture.js'
import { makeFiles } from './make-files.js'
import { packed } from './packed.js'
import type { ExportCalls } from './protocol.js'

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

const calls: ExportCalls = {
  async exportFiles({ pictures, format, masks, name }, { signal, onStep }) {
    return packed(await makeFiles(pictures, { format, masks, pixelsOf, signal, onStep }), name)
  },
  async countVertices(pictures, masks) {
    const files = await makeFiles(pictures, { format: 'svg', masks, pixelsOf })
    const paths = [...files.values()].map(svg => new TextDecoder().decode(svg).match(/[ML]\d/g) ?? [])
    return paths.reduce((sum, { length }) => sum + length, 0)
  },
  async cutOut(picture, masks) {
    const objects = picture.objects.map(({ mask }) => cleaned(mask, masks))
    const png = await cutOut(await pixelsOf(picture), objects, masks)
    return new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' })
  }
}

serve(() => ({ calls }))
