import { decodeImage, type RgbImage, type SampleOptions } from '@sam/core'
import type { Command } from 'commander'
import type { Context } from './context.js'
import { usage } from './failure.js'

/** Adds `--window` and `--bands`, for images of floats, of 12 or 32 bits, or of many bands. */
export const withPhotoOptions = (command: Command): Command =>
  command
    .option(
      '--window <low,high>',
      'sample values of black and white, for 12, 16 or 32 bits and floats',
      numbers('--window', 2)
    )
    .option('--bands <r,g,b>', 'bands of red, green and blue, counted from 1', numbers('--bands', 3))

const numbers =
  (option: string, count: number) =>
  (text: string): readonly number[] => {
    const values = text.split(',').map(part => (part.trim() === '' ? NaN : Number(part)))
    if (values.length !== count || !values.every(Number.isFinite))
      throw usage(`${option} must be ${count} numbers with commas between them, found '${text}'`)
    return values
  }

/** Decodes a photo; `-` is standard input. Throws `InputError`, `E_INPUT`. */
export async function readPhoto(
  path: string,
  { terminal, signal }: Context,
  { window, bands }: SampleOptions = {}
): Promise<RgbImage> {
  await allowPhotosOnly()
  return decodeImage(path === '-' ? await terminal.stdin(signal) : path, { signal, window, bands })
}

/**
 * Formats of photos. The other decoders of libvips (svg, pdf, magick …) stay blocked, whatever the file claims to be.
 */
const decoders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif', 'Jxl', 'Jp2k']

/** Restricts sharp to decoding photos, for the rest of this process. */
export async function allowPhotosOnly(): Promise<void> {
  const { default: sharp } = await import('sharp')
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: decoders.map(name => `VipsForeignLoad${name}`) })
}
