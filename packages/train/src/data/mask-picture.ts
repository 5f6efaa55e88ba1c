import type { Bitmap } from '@sam/core'
import { decodeSamples, type StoredSamples } from '@sam/core/model'
import { checkMaskMemory } from './limits.js'
import { unfit } from './unfit.js'

/**
 * How the values of a mask picture become masks:
 * - `labels`: one mask per value, or per colour, that is not 0.
 * - `nonzero`: one mask of all pixels that are not 0.
 * - `threshold`: one mask of all pixels brighter than half of white.
 */
export const maskValues = ['labels', 'nonzero', 'threshold'] as const
export type MaskValues = (typeof maskValues)[number]

/** One mask of a picture. */
export interface PictureMask extends Bitmap {
  /** Its value in the picture, for messages: `2`, or `(48, 112, 32)`; undefined where it has several. */
  readonly label?: string
}

/**
 * Reads the masks of a picture, in order of their values; none where every pixel is 0. Default of `values`:
 * - One value besides 0, whichever it is: `nonzero`.
 * - Grey with black, white, and soft edges between them: `threshold`. JPEG and AVIF, which change values, are read this
 *   way or refused.
 * - Several values or colours that fill areas: `labels`.
 * - An alpha channel with transparent pixels: these are outside. The others are one mask, or labels where their colours
 *   are labels.
 *
 * Throws `InputError` `E_BAD_IMAGE` for anything else, with the values that were found and the options.
 */
export async function maskPicture(path: string, values?: MaskValues): Promise<PictureMask[]> {
  return masksOfSamples(await decodeSamples(path), { path, values })
}

/** {@link maskPicture} of decoded samples. `path` is for messages. */
export function masksOfSamples(
  samples: StoredSamples,
  { path, values }: { readonly path: string; readonly values?: MaskValues | undefined }
): PictureMask[] {
  const picture = pixelsOf(samples, path)
  const { width, height, pixels, opaque } = picture
  const one = (inside: (i: number) => boolean): PictureMask[] => {
    const data = new Uint8Array(pixels.length)
    let area = 0
    for (let i = 0; i < data.length; i++) {
      if ((opaque && !opaque[i]) || !inside(i)) continue
      data[i] = 1
      area++
    }
    return area ? [{ width, height, data }] : []
  }
  const found = survey(picture)
  const kind = values ?? (opaque ? kindWithAlpha(picture, found, path) : kindOf(picture, found))
  switch (kind) {
    case 'opaque':
      return one(() => true)
    case 'nonzero':
      return one(i => pixels[i] !== 0)
    case 'threshold':
      return one(i => picture.brightness(pixels[i]) > picture.white / 2)
    case 'labels':
      return labelsOf(picture, { found, path })
    default:
      throw unfit(
        path,
        'a mask image must be black and white, or hold one value or colour per object, found ' +
          `${foundIn(picture, found)}; save it so (as PNG), or say how to read it: ${maskValues.join(', ')}`
      )
  }
}

/** A picture with one number per pixel. */
interface Picture {
  readonly width: number
  readonly height: number
  /** The grey value, or the packed colour. */
  readonly pixels: Float64Array
  /** 1 where the alpha channel is over half; undefined where it is so everywhere. */
  readonly opaque: Uint8Array | undefined
  readonly grey: boolean
  readonly lossy: boolean
  /** The largest value of the type; 1 for floats. */
  readonly white: number
  /** The mean of the channels of a pixel. */
  readonly brightness: (pixel: number) => number
}

const whites: Readonly<Record<StoredSamples['type'], number>> = {
  uchar: 2 ** 8 - 1,
  ushort: 2 ** 16 - 1,
  uint: 2 ** 32 - 1,
  char: 2 ** 7 - 1,
  short: 2 ** 15 - 1,
  int: 2 ** 31 - 1,
  float: 1,
  double: 1
}

const lossyFormats = ['jpeg', 'heif', 'jp2', 'jxl']

/** Red, green and blue of 16 bits in one number. */
const packed = (r: number, g: number, b: number): number => (r * 2 ** 16 + g) * 2 ** 16 + b
const unpacked = (pixel: number): readonly [r: number, g: number, b: number] => [
  Math.floor(pixel / 2 ** 32),
  Math.floor(pixel / 2 ** 16) % 2 ** 16,
  pixel % 2 ** 16
]

function pixelsOf(samples: StoredSamples, path: string): Picture {
  const { width, height, bands, hasAlpha, type, data, stride, indexOf, format } = samples
  const channels = bands - (hasAlpha ? 1 : 0)
  const whole = type === 'uchar' || type === 'ushort'
  if (channels !== 1 && !(channels === 3 && whole))
    throw unfit(path, `a mask image must be grey, or RGB of 8 or 16 bits, found ${bands} bands of type ${type}`)
  const count = width * height
  const pixels = new Float64Array(count)
  const [red, green, blue] = channels === 3 ? [0, 1, 2].map(indexOf) : [0, 0, 0].map(indexOf)
  let grey = true
  for (let i = 0, at = 0; grey && i < count; i++, at += stride)
    grey = data[at + red] === data[at + green] && data[at + red] === data[at + blue]
  for (let i = 0, at = 0; i < count; i++, at += stride)
    pixels[i] = grey ? data[at + red] : packed(data[at + red], data[at + green], data[at + blue])
  const odd = whole ? undefined : pixels.find(value => !(value >= 0 && value < Infinity))
  if (odd !== undefined) throw unfit(path, `the values of a mask image must be finite and from 0, found ${odd}`)
  const white = whites[type]
  return {
    width,
    height,
    pixels,
    grey,
    white,
    opaque: hasAlpha ? opaqueOf(samples, { white, path, empty: pixels.every(value => value === 0) }) : undefined,
    lossy: lossyFormats.includes(format),
    brightness: grey ? value => value : value => unpacked(value).reduce((a, b) => a + b) / 3
  }
}

function opaqueOf(
  { data, stride, indexOf, bands, width, height }: StoredSamples,
  { white, path, empty }: { white: number; path: string; empty: boolean }
): Uint8Array | undefined {
  const alpha = indexOf(bands - 1)
  const opaque = Uint8Array.from({ length: width * height }, (_, i) => (data[i * stride + alpha] > white / 2 ? 1 : 0))
  if (!opaque.includes(0)) return undefined
  if (!opaque.includes(1) && !empty)
    throw unfit(path, 'a mask image must have pixels that are not transparent, found none; remove its alpha channel')
  return opaque
}

/**
 * What occurs in a picture, not counting transparent pixels. A pixel is flat if it equals a neighbour in its row and
 * one in its column.
 */
interface Survey {
  readonly values: ReadonlySet<number>
  /** The values with a flat pixel: those that fill an area somewhere. */
  readonly areas: ReadonlySet<number>
  /** Pixels that are not 0; of these, the flat ones, and those that are not white. */
  readonly marked: number
  readonly flat: number
  readonly between: number
}

/** Maximum number of labels of a picture: a picture with more values is no label map. */
export const labelLimit = 2 ** 16

function survey({ width, height, pixels, opaque, white }: Picture): Survey {
  const [values, areas] = [new Set<number>(), new Set<number>()]
  let [marked, flat, between] = [0, 0, 0]
  let [last, lastArea] = [NaN, NaN]
  for (let y = 0, i = 0; y < height && values.size <= labelLimit; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (opaque && !opaque[i]) continue
      const value = pixels[i]
      if (value !== last) values.add((last = value))
      if (value === 0) continue
      marked++
      if (value !== white) between++
      const across = (x > 0 && pixels[i - 1] === value) || (x < width - 1 && pixels[i + 1] === value)
      if (!across || (pixels[i - width] !== value && pixels[i + width] !== value)) continue
      flat++
      if (value !== lastArea) areas.add((lastArea = value))
    }
  }
  return { values, areas, marked, flat, between }
}

/** Labels fill areas: at least this share of the labels, and of their pixels. */
const labelShare = 0.75
/** Soft edges do not: at most this share of the values between black and white. They are at most half of a picture. */
const edgeShare = 0.25
/** A picture of 8 bits with more values is a photo or a map of probabilities. */
const mostLabels8 = 200

function kindOf(picture: Picture, found: Survey): MaskValues | undefined {
  if (picture.lossy) return isBlackAndWhite(picture) ? 'threshold' : undefined
  const { values, areas, between } = found
  const { grey, white, pixels } = picture
  const marked = [...values].filter(value => value !== 0)
  if (marked.length < 2) return 'nonzero'
  const edges = marked.filter(value => value !== white)
  const isSoft = edges.filter(value => areas.has(value)).length <= edgeShare * edges.length
  if (grey && values.has(0) && values.has(white) && isSoft && 2 * between <= pixels.length) return 'threshold'
  return areLabels(found, picture) ? 'labels' : undefined
}

function areLabels({ values, areas, marked, flat }: Survey, { grey, white }: Picture): boolean {
  const labels = values.size - (values.has(0) ? 1 : 0)
  return (
    values.size <= (grey && white <= 255 ? mostLabels8 : labelLimit) &&
    areas.size >= labelShare * labels &&
    flat >= labelShare * marked
  )
}

function kindWithAlpha(picture: Picture, found: Survey, path: string): MaskValues | 'opaque' {
  if (found.values.size < 2 || !areLabels(found, picture)) return 'opaque'
  if (!found.values.has(0)) return 'labels'
  throw unfit(
    path,
    'the mask must be in the colours or in the alpha channel, found transparent pixels and black ones beside other ' +
      `colours; remove the alpha channel, or say how to read the colours: ${maskValues.join(', ')}`
  )
}

/** Whether nearly all pixels of a picture with changed values are near black or near white. */
function isBlackAndWhite({ pixels, white, grey }: Picture): boolean {
  let [bright, between, marked] = [0, 0, 0]
  for (const pixel of pixels) {
    const channels = grey ? [pixel] : unpacked(pixel)
    if (channels.every(value => value < white / 4)) marked += pixel === 0 ? 0 : 1
    else if (channels.every(value => value >= white * 0.75)) bright++
    else between++
  }
  return bright ? between <= bright / 3 : between + marked === 0
}

function labelsOf(picture: Picture, { found, path }: { found: Survey; path: string }): PictureMask[] {
  const { width, height, pixels, opaque } = picture
  const labels = [...found.values].filter(value => value !== 0).sort((a, b) => a - b)
  if (labels.length > labelLimit)
    throw unfit(path, `a label map must have at most ${labelLimit} labels, found ${foundIn(picture, found)}`)
  checkMaskMemory(path, { count: labels.length, width, height })
  const masks = new Map(labels.map(label => [label, new Uint8Array(pixels.length)]))
  let [last, mask]: [number, Uint8Array | undefined] = [0, undefined]
  for (let i = 0; i < pixels.length; i++) {
    if (opaque && !opaque[i]) continue
    if (pixels[i] !== last) mask = masks.get((last = pixels[i]))
    if (mask) mask[i] = 1
  }
  return labels.map(label => ({ width, height, data: masks.get(label)!, label: nameOf(picture, label) }))
}

const nameOf = ({ grey }: Picture, value: number): string => (grey ? String(value) : `(${unpacked(value).join(', ')})`)

function foundIn(picture: Picture, { values }: Survey): string {
  const kind = picture.grey ? 'values' : 'colours'
  if (values.size > labelLimit) return `over ${labelLimit} ${kind}`
  const list = [...values].sort((a, b) => a - b).map(value => nameOf(picture, value))
  const all = list.length <= 6 ? list : [...list.slice(0, 4), '…', list.at(-1)!]
  return `${values.size} ${kind} (${all.join(', ')})${picture.lossy ? ' in a format that changes values' : ''}`
}
