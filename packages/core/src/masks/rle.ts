import { refuse, shown } from '../errors.js'
import type { ImageLimits } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { checkMaskSize, type Bitmap } from './bitmap.js'
import { runsOfBitmap, shiftRuns, type Runs } from './runs.js'

/**
 * COCO's uncompressed RLE: column by column, alternating runs of outside and inside pixels, starting with outside
 * (possibly of length 0).
 */
export interface Rle {
  /** [height, width] */
  readonly size: readonly [number, number]
  readonly counts: readonly number[]
}

/** COCO's compressed RLE: the counts packed into a string, as in COCO's and SA-1B's JSON and in pycocotools. */
export interface CocoRle {
  /** [height, width] */
  readonly size: readonly [number, number]
  readonly counts: string
}

/**
 * The RLE of a bitmap; or of a mask of a larger photo whose pixels all lie in `part`, which is at `left`, `top`. Meta:
 * utils/amg.py#mask_to_rle_pytorch.
 */
export function encodeRle(
  part: Bitmap,
  { left = 0, top = 0, photo = part }: { left?: number; top?: number; photo?: Size } = {}
): Rle {
  const counts: number[] = []
  let counted = 0 // pixels of the photo, column by column
  for (let x = 0; x < part.width; x++) {
    const column = (left + x) * photo.height + top
    let inside = false
    for (let y = 0, at = x; y <= part.height; y++, at += part.width) {
      if ((y < part.height && part.data[at] !== 0) === inside) continue
      inside = !inside
      if (inside && counted > 0 && column + y === counted) {
        // The run of the column before goes on.
        counted -= counts.pop()!
      } else {
        counts.push(column + y - counted)
        counted = column + y
      }
    }
  }
  const total = photo.width * photo.height
  if (counted < total || counts.length === 0) counts.push(total - counted)
  return { size: [photo.height, photo.width], counts }
}

/**
 * Decodes either form. Throws `E_BAD_PROMPT` for a size over the limit, invalid characters, negative or fractional
 * counts, and counts that do not add up to the size. Nothing is allocated before the counts are validated.
 * Meta: utils/amg.py#rle_to_mask.
 */
export function decodeRle(rle: Rle | CocoRle, limits: ImageLimits = {}): Bitmap {
  const { width, height, counts } = checkedCounts(rle, limits)
  return { width, height, data: unpackColumns(counts, { width, height }) }
}

/** The runs of {@link decodeRle}. Only the columns between the first and the last pixel inside are unpacked. */
export function runsOfRle(rle: Rle | CocoRle, limits: ImageLimits = {}): Size & { readonly inside: Runs } {
  const { width, height, counts } = checkedCounts(rle, limits)
  const before = counts[0] ?? 0
  const after = counts.length % 2 ? counts[counts.length - 1] : 0
  const [left, right] = [Math.floor(before / height), width - Math.floor(after / height)]
  if (left >= right) return { width, height, inside: new Int32Array(0) }
  const part = { width: right - left, height }
  const data = unpackColumns([before - left * height, ...counts.slice(1)], part)
  return { width, height, inside: shiftRuns(runsOfBitmap({ ...part, data }), [left, 0]) }
}

function checkedCounts(rle: Rle | CocoRle, limits: ImageLimits): Size & { readonly counts: readonly number[] } {
  if (typeof rle !== 'object' || rle === null || !Array.isArray(rle.size) || rle.size.length !== 2) {
    refuse('E_BAD_PROMPT', `rle: must be { size: [height, width], counts }, found ${shown(rle)}`)
  }
  const [height, width] = rle.size
  checkMaskSize('rle', { width, height }, limits)
  if (typeof rle.counts !== 'string' && !Array.isArray(rle.counts))
    refuse('E_BAD_PROMPT', `rle: counts must be an array of numbers or a string, found ${shown(rle.counts)}`)
  const counts: readonly number[] = typeof rle.counts === 'string' ? unpackCounts(rle.counts) : rle.counts

  let sum = 0
  for (const [i, count] of counts.entries()) {
    if (!Number.isInteger(count) || count < 0)
      refuse('E_BAD_PROMPT', `rle: counts must be whole numbers from 0, found ${shown(count)} at ${i}`)
    sum += count
  }
  if (sum !== width * height)
    refuse(
      'E_BAD_PROMPT',
      `rle: counts must add up to height × width = ${height} × ${width} = ${width * height}, found ${sum}`
    )
  return { width, height, counts }
}

/** One byte per pixel [height, width], 1 inside; counts past the last column must be outside. */
function unpackColumns(counts: readonly number[], { width, height }: Size): Uint8Array {
  const data = new Uint8Array(width * height)
  let [x, y] = [0, 0]
  for (const [i, count] of counts.entries()) {
    if (i % 2 === 0) {
      x += Math.floor((y + count) / height)
      y = (y + count) % height
      continue
    }
    for (let left = count; left > 0; ) {
      const end = Math.min(height, y + left)
      for (let k = y; k < end; k++) data[k * width + x] = 1
      left -= end - y
      y = end % height
      if (y === 0) x++
    }
  }
  return data
}

/** Packs the counts as pycocotools does (`rleToString`). */
export const compressRle = ({ size, counts }: Rle): CocoRle => ({ size, counts: packCounts(counts) })

/**
 * From the fourth on, each count is stored as the difference to the one two before. A number is split into groups of
 * five bits, lowest first, each a character from '0' on; bit 5 marks that more follow, bit 4 of the last is the sign.
 */
function packCounts(counts: readonly number[]): string {
  const codes: string[] = []
  for (const [i, count] of counts.entries()) {
    let value = i > 2 ? count - counts[i - 2] : count
    for (let more = true; more; ) {
      const group = value & 31
      value >>= 5
      more = group & 16 ? value !== -1 : value !== 0
      codes.push(String.fromCharCode(48 + group + (more ? 32 : 0)))
    }
  }
  return codes.join('')
}

function unpackCounts(text: string): number[] {
  const counts: number[] = []
  for (let at = 0; at < text.length; ) {
    let value = 0
    for (let shift = 1, more = true; more; shift *= 32) {
      const code = text.charCodeAt(at++) - 48
      // 35 bits are more than any count needs. NaN, from text that ends too early, fails the test as well.
      if (!(code >= 0 && code < 64) || shift > 2 ** 30)
        refuse('E_BAD_PROMPT', `rle: counts must be a COCO RLE string, found an invalid character at ${at - 1}`)
      more = code >= 32
      value += (code & 31) * shift
      if (!more && code & 16) value -= 32 * shift
    }
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value)
  }
  return counts
}
