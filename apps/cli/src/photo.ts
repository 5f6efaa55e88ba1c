import { decodeImage, type RgbImage } from '@sam/core'
import type { Context } from './context.js'

/** Decodes a photo; `-` is standard input. Throws `InputError`. */
export async function readPhoto(path: string, { terminal, signal }: Context): Promise<RgbImage> {
  await allowPhotosOnly()
  return decodeImage(path === '-' ? await terminal.stdin() : path, { signal })
}

/**
 * Formats of photos. The other decoders of libvips (svg, pdf, magick …) are programs of their own and stay shut,
 * whatever a file claims to be.
 */
const decoders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif', 'Jxl', 'Jp2k']

/** Lets sharp decode photos and nothing else, from now on in this process. */
export async function allowPhotosOnly(): Promise<void> {
  const { default: sharp } = await import('sharp')
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: decoders.map(name => `VipsForeignLoad${name}`) })
}
