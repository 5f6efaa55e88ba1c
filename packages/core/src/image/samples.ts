import { refuse, refusing, shown, type Refuse } from '../errors.js'
import { readOptions } from '../options.js'
import type { ImageLimits, RgbImage } from './image.js'

/** How the samples of a scientific picture become colours; needed where its file does not say it. */
export interface SampleOptions {
  /**
   * The samples that become black and white: what lies between is scaled linearly, what lies outside is clipped, NaN
   * is black. Default, by the type of the samples: all of the type for unsigned integers, [0, 1] for floats, none for
   * signed integers, which are then refused. `[0, 255]` keeps small integers as they are.
   */
  readonly window?: readonly [low: number, high: number] | undefined
  /**
   * The bands that become red, green and blue, counted from 1 as GDAL counts them. Default: the first three, or the
   * first alone as grey where there are one or two. A file of five or more bands that does not say that they begin
   * with red, green and blue is refused without it.
   */
  readonly bands?: readonly [red: number, green: number, blue: number] | undefined
}

/** Options of `decodeImage`. */
export interface DecodeOptions extends ImageLimits, SampleOptions {
  readonly signal?: AbortSignal | undefined
}

/** A copy of the options. Throws `E_BAD_OPTION` for what is no window, no bands and no limit. */
export function readDecodeOptions(given: DecodeOptions): DecodeOptions {
  const names = { maxPixels: true, signal: true, window: true, bands: true } as const
  const { maxPixels, signal, window, bands } = readOptions('decodeImage', given, names)
  if (maxPixels !== undefined && !(typeof maxPixels === 'number' && maxPixels > 0))
    refuse('E_BAD_OPTION', `maxPixels must be a number above 0, found ${shown(maxPixels)}`)
  const [low, high] = copy(window, 2)
  if (window !== undefined && !([low, high].every(Number.isFinite) && low < high))
    refuse('E_BAD_OPTION', `window must be [low, high], two numbers with low below high, found ${list(window)}`)
  const [red, green, blue] = copy(bands, 3)
  if (bands !== undefined && ![red, green, blue].every(band => Number.isInteger(band) && band >= 1))
    refuse('E_BAD_OPTION', `bands must be [red, green, blue], three whole numbers counted from 1, found ${list(bands)}`)
  return { maxPixels, signal, window: window && [low, high], bands: bands && [red, green, blue] }
}

/** The items of an array of this length; none of anything else. */
const copy = (value: readonly number[] | undefined, length: number): readonly number[] =>
  Array.isArray(value) && value.length === length ? [...(value as readonly number[])] : []

const list = (value: unknown): string =>
  Array.isArray(value) && value.length < 5 ? `[${value.map(shown).join(', ')}]` : shown(value)

/** Interleaved samples as a file stores them, of any type, widened to floating point. */
export interface Samples {
  readonly width: number
  readonly height: number
  /** Bands of the file. */
  readonly bands: number
  readonly type: SampleType
  /** Whether the file says that its bands begin with red, green and blue. */
  readonly colour: boolean
  readonly data: Float32Array | Float64Array
  /** Values of `data` per pixel, and where band `band` (from 0) is among them. */
  readonly stride: number
  readonly indexOf: (band: number) => number
}

/** The samples of a file, with what else the file says about them. */
export interface StoredSamples extends Samples {
  /** The name of the format, as sharp calls it: jpeg, png … */
  readonly format: string
  /** Whether the last band is an alpha channel. */
  readonly hasAlpha: boolean
}

/** The size of a picture as stored, before its EXIF orientation (1 … 8) is applied. */
export interface PictureHeader {
  readonly width: number
  readonly height: number
  readonly orientation: number
}

export type SampleType = 'uchar' | 'ushort' | 'uint' | 'char' | 'short' | 'int' | 'float' | 'double'

/** What messages call a type, and where its values lie when nothing else is said: no range, no default. */
const types: Readonly<Record<SampleType, { readonly name: string; readonly range?: readonly [number, number] }>> = {
  uchar: { name: '8-bit integers', range: [0, 2 ** 8 - 1] },
  ushort: { name: '16-bit integers', range: [0, 2 ** 16 - 1] },
  uint: { name: '32-bit integers', range: [0, 2 ** 32 - 1] },
  char: { name: 'signed 8-bit integers' },
  short: { name: 'signed 16-bit integers' },
  int: { name: 'signed 32-bit integers' },
  float: { name: '32-bit floats', range: [0, 1] },
  double: { name: '64-bit floats', range: [0, 1] }
}

export const isSampleType = (type: unknown): type is SampleType =>
  typeof type === 'string' && Object.hasOwn(types, type)

/**
 * 8-bit RGB of samples. Throws `E_BAD_IMAGE` where nothing says what is black and white, or which bands are colours.
 */
export function samplesToRgb(samples: Samples, { window, bands }: SampleOptions): RgbImage {
  const { width, height, data, stride, type } = samples
  const indices = bandsOf(samples, bands).map(samples.indexOf)
  const pixels = width * height
  const [low, high] = window ?? defaultWindow(samples, rangeOf(samples, indices))
  // As `toRgbImage` has it: integers of 16 and 32 bits keep their upper byte, others are rounded.
  const upper = window === undefined && (type === 'ushort' || type === 'uint') ? 256 / (high + 1) : undefined
  const rgb = new Uint8Array(pixels * 3)
  for (let pixel = 0, to = 0; pixel < pixels; pixel++) {
    for (const index of indices) {
      const value = data[pixel * stride + index]
      // A Uint8Array takes NaN for 0.
      rgb[to++] =
        upper === undefined
          ? Math.floor(Math.min(1, Math.max(0, (value - low) / (high - low))) * 255 + 0.5)
          : Math.floor(value * upper)
    }
  }
  return { width, height, data: rgb }
}

function bandsOf({ bands: count, colour }: Samples, bands: SampleOptions['bands']): readonly number[] {
  if (bands) {
    if (bands.some(band => band > count))
      refuse('E_BAD_OPTION', `bands must be from 1 to ${count}, found ${list(bands)}`)
    return bands.map(band => band - 1)
  }
  if (count < 3) return [0, 0, 0]
  if (count < 5 || colour) return [0, 1, 2]
  return refuseImage(
    `it has ${count} bands, and nothing in the file says which are red, green and blue; give them, counted from 1: ` +
      'bands: [r, g, b], or --bands r,g,b on the command line'
  )
}

interface Found {
  readonly least: number
  readonly most: number
  readonly notNumbers: boolean
}

function rangeOf({ data, stride, width, height }: Samples, indices: readonly number[]): Found {
  let [least, most, notNumbers] = [Infinity, -Infinity, false]
  for (const index of new Set(indices)) {
    for (let pixel = 0; pixel < width * height; pixel++) {
      const value = data[pixel * stride + index]
      if (!Number.isFinite(value)) notNumbers = true
      else {
        if (value < least) least = value
        if (value > most) most = value
      }
    }
  }
  return { least, most, notNumbers }
}

/** Black and white by the type of the samples, where what was found in them agrees with it. */
function defaultWindow({ type }: Samples, { least, most, notNumbers }: Found): readonly [number, number] {
  const { name, range } = types[type]
  const found = `it holds ${name}${least <= most ? ` from ${least} to ${most}` : ''}${notNumbers ? ', and some that are no finite numbers' : ''}`
  const give = (low: number, high: number): string =>
    `give them: window: [${low}, ${high}], or --window=${low},${high} on the command line`
  const example = least < most ? give(least, most) : give(least <= most ? least : 0, least <= most ? least + 1 : 1)
  if (!range) return refuseImage(`${found}, and nothing says which are black and white; ${example}`)
  if (least < range[0] || most > range[1] || notNumbers)
    return refuseImage(`${found}; without black and white said they must lie in [${range.join(', ')}]; ${example}`)
  checkFilled(type, most)
  return range
}

/**
 * Refuses 16 and 32-bit integers that use less than a quarter of their type, as 12 bits in 16 do: by their upper byte
 * they would be black, or nearly. A picture of zeros is black in any case.
 */
export function checkFilled(type: SampleType, most: number): void {
  const { name, range } = types[type]
  if ((type !== 'ushort' && type !== 'uint') || most === 0 || most >= (range![1] + 1) / 4) return
  refuseImage(
    `it holds ${name} up to ${most}, so as an image of all ${range![1] + 1} levels it would be nearly black; ` +
      `say what is white: window: [0, ${most}], or --window=0,${most} on the command line ([0, ${range![1]}] keeps it dark)`
  )
}

const refuseImage: Refuse = refusing('E_BAD_IMAGE', 'image: ')
