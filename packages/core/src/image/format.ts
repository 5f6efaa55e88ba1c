/** The format of a file by its first bytes: enough of them for {@link formatName}. */
export const formatHead = 132

/**
 * Formats of pictures, and of what is taken for one, by their first bytes as Latin-1. The first that fits counts.
 * Whether a format can be read is for the decoder to say; this is for its messages.
 */
const formats: readonly (readonly [name: string, head: RegExp])[] = [
  ['JPEG', /^\xff\xd8\xff/],
  ['PNG', /^\x89PNG/],
  ['WebP', /^RIFF.{4}WEBP/s],
  ['GIF', /^GIF8/],
  ['AVIF', /^.{4}ftyp.{0,40}avi[fs]/s],
  ['HEIC (HEVC)', /^.{4}ftyp(?:he[iv][cxms]|mif1|msf1)/s],
  ['Canon CR3', /^.{4}ftypcrx /s],
  ['JPEG XL', /^\xff\x0a|^\0\0\0\x0cJXL /],
  ['JPEG 2000', /^\0\0\0\x0cjP {2}|^\xff\x4f\xff\x51/],
  ['video', /^.{4}ftyp|^\x1a\x45\xdf\xa3/s],
  ['TIFF', /^II[*+]\0|^MM\0[*+]/],
  ['BMP', /^BM/],
  ['Windows icon', /^\0\0[\x01\x02]\0/],
  ['Photoshop', /^8BPS/],
  ['OpenEXR', /^\x76\x2f\x31\x01/],
  ['Radiance HDR', /^#\?R/],
  ['DICOM', /^.{128}DICM/s],
  ['FITS', /^SIMPLE {2}=/],
  ['netpbm', /^P[1-7]\s/],
  ['Fujifilm RAF', /^FUJIFILM/],
  ['PDF', /^%PDF/],
  ['a web page', /^\s*<(?:!doctype html|html)/i],
  ['SVG', /^\s*(?:<\?xml|<svg)/],
  ['an archive', /^PK\x03\x04|^\x1f\x8b/]
]

/** What a file that begins so is, for messages; undefined for what is not known. */
export function formatName(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, formatHead))
  return formats.find(([, pattern]) => pattern.test(text))?.[0]
}

/** Names of image files that `decodeImage` may read. Whether it can, depends on the content, and on sharp's build. */
export const imageFileName = /\.(jpe?g|png|webp|gif|tiff?|avif|heic|heif|jxl|jp2)$/i
