import { encodePng } from '#io'
import { refuse, shown } from '../errors.js'
import { readOptions } from '../options.js'
import type { Frame } from '../image/frame.js'
import type { Rgb } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { bitmapLogits, handMadeLogit } from './bitmap-logits.js'
import { clipBox, toXywh, type Box } from './box.js'
import { compressRle, encodeRle, runsOfRle, type CocoRle, type Rle } from './rle.js'
import { measureStability, type Measures } from './measure.js'
import { checkMaskSize, copyBitmap, type Bitmap } from './bitmap.js'
import { tracePolygons, type MultiPolygon } from './polygons.js'
import { bitmapContours, logitContours } from './contours.js'
import { feathered } from './feather.js'
import { rasterize } from './rasterize.js'
import {
  bitmapOfRuns,
  collectRuns,
  extentOfRuns,
  runsOfBitmap,
  sharedArea,
  shiftRuns,
  type Extent,
  type Runs
} from './runs.js'
import { simplifyPolygons } from './simplify-polygons.js'
import { removeSmallRegions } from './small-regions.js'
import { thresholdRuns } from './threshold-runs.js'
import { upscaleLogits } from './upscale.js'

/** An `ImageData`, or a plain object of the same form where the platform has none (Node). */
export type ImageDataLike = Pick<ImageData, 'width' | 'height' | 'data'>

/** A mask as the decoder predicts it. */
export interface MaskPrediction {
  /** [side, side] over the square input, including the padding: Meta's `low_res_masks`. Referenced, not copied. */
  readonly lowResLogits: Float32Array
  readonly frame: Frame
  /** The model's estimate of the IoU with the true mask. */
  readonly predictedIou: number
  /** A pixel is inside when its logit exceeds this. Default 0, Meta's `mask_threshold`. */
  readonly threshold?: number
}

/** The pixels of a mask without a prediction. */
export interface MaskRuns extends Size {
  /** See {@link Mask.runs}. Referenced, not copied. */
  readonly inside: Runs
  readonly predictedIou?: number
}

/**
 * A mask as JSON: an annotation of SA-1B without its ids, as `sam predict --format rle` writes it. The low-resolution
 * logits are not part of it: as a prompt it is resized from its pixels.
 */
export interface MaskJson {
  /** The pixels, at the photo's size. */
  readonly segmentation: CocoRle
  /** Number of pixels inside. */
  readonly area: number
  /** [x, y, width, height] in pixels of the photo. */
  readonly bbox: readonly [x: number, y: number, width: number, height: number]
  /** The model's estimate of the IoU; 1 if the mask was not predicted. */
  readonly predicted_iou: number
  /** See {@link Mask.stability}. Missing if the mask was not predicted. */
  readonly stability_score?: number
}

/** What {@link Mask.from} reads. */
export type MaskSource = Mask | MaskPrediction | MaskRuns | MaskJson | Bitmap | Rle | CocoRle

/**
 * One object's mask, in pixels of the photo. Predicted, or created from a bitmap, run lengths or polygons. All values
 * are computed on demand; the runs and the bitmap are cached, the floats are not.
 *
 * `postMessage`, `structuredClone` and IndexedDB keep the data of a mask, but return a plain object without its
 * methods: {@link Mask.from} makes a mask of it again. To move a predicted mask to another thread without a copy, list
 * `mask.lowResLogits.buffer` among the transferred objects.
 */
export class Mask {
  // All data of a mask is in its own properties, and none of it is computed: this is what a structured clone keeps.
  readonly width: number
  readonly height: number
  /** The model's estimate of the IoU with the true mask; 1 if the mask was not predicted. */
  readonly predictedIou: number
  /**
   * The decoder's logits [side, side] over the square input, including the padding: Meta's `low_res_masks`. Undefined
   * if the mask was not predicted.
   */
  readonly lowResLogits: Float32Array | undefined
  /** Where the photo lies in the square input. Undefined if the mask was not predicted. */
  readonly frame: Frame | undefined
  /** A pixel is inside when its logit exceeds this. Undefined if the mask was not predicted. */
  readonly threshold: number | undefined
  /** The pixels of a mask that was not predicted, as in {@link runs}; undefined if it was. */
  readonly inside: Runs | undefined
  #runs: Runs | undefined
  #bits: Uint8Array | undefined
  #extent: Extent | undefined

  /**
   * From a prediction, or from pixels (copied; any non-zero byte is inside). Throws `E_BAD_PROMPT` if size and data
   * disagree.
   */
  constructor(source: MaskPrediction | MaskRuns | (Bitmap & { readonly predictedIou?: number })) {
    if ('lowResLogits' in source && source.lowResLogits) {
      const { lowResLogits, frame, threshold = 0, predictedIou } = source
      ;[this.height, this.width] = frame.originalSize
      this.predictedIou = predictedIou
      this.lowResLogits = lowResLogits
      this.frame = frame
      this.threshold = threshold
      this.inside = undefined
    } else {
      const pixels = source as MaskRuns | (Bitmap & { readonly predictedIou?: number })
      this.inside = this.#runs = 'inside' in pixels ? pixels.inside : runsOfBitmap(copyBitmap(pixels))
      ;[this.height, this.width] = [pixels.height, pixels.width]
      this.predictedIou = pixels.predictedIou ?? 1
      this.lowResLogits = this.frame = this.threshold = undefined
      this.#extent = extentOfRuns(this.inside)
    }
  }

  /**
   * From any form: what {@link toJSON} returned, an annotation of SA-1B, a structured clone of a mask, a prediction, a
   * bitmap, or a COCO RLE. A mask is returned as it is. Throws `E_BAD_PROMPT` for anything else.
   */
  static from(source: MaskSource): Mask {
    if (typeof source !== 'object' || source === null || Array.isArray(source))
      refuse(
        'E_BAD_PROMPT',
        `mask: must be a Mask, { segmentation }, { width, height, data } or { size, counts }, found ${shown(source)}`
      )
    if (source instanceof Mask || 'promptLogits' in source) return source as Mask
    if ('counts' in source) return Mask.fromRle(source)
    if ('segmentation' in source) {
      const { predicted_iou: predictedIou = 1 } = source
      return new Mask({ ...runsOfRle(source.segmentation), predictedIou: checkedIou(predictedIou) })
    }
    if ('lowResLogits' in source && source.lowResLogits !== undefined) return new Mask(checkPrediction(source))
    if ('inside' in source && source.inside !== undefined) {
      const { width, height, inside, predictedIou = 1 } = source
      checkRuns(inside, { width, height })
      return new Mask({ width, height, inside, predictedIou: checkedIou(predictedIou) })
    }
    const { width, height, data, predictedIou = 1 } = source as Bitmap & { readonly predictedIou?: number }
    return new Mask({ width, height, data, predictedIou: checkedIou(predictedIou) })
  }

  /** Same as the constructor, for symmetry with `fromRle` and `fromPolygons`. */
  static fromBitmap(bitmap: Bitmap): Mask {
    return new Mask(bitmap)
  }

  /** From a COCO RLE, as numbers or as a string. Throws `E_BAD_PROMPT`. */
  static fromRle(rle: Rle | CocoRle): Mask {
    return new Mask(runsOfRle(rle))
  }

  /** From polygons with holes, in pixels of the photo: the pixels whose centres they cover. Throws `E_BAD_PROMPT`. */
  static fromPolygons(polygons: MultiPolygon, size: Size): Mask {
    return new Mask(rasterize(polygons, size))
  }

  /**
   * Logits [height, width]. Meta: modeling/sam.py#postprocess_masks. ±`handMadeLogit` if the mask was not
   * predicted.
   */
  logits(): Float32Array {
    const own = this.#predicted()
    if (own) return upscaleLogits(own.lowResLogits, own.frame)
    return Float32Array.from(this.bitmap({ keep: false }), inside => (inside ? handMadeLogit : -handMadeLogit))
  }

  /**
   * One byte per pixel [height, width], 1 inside. The same array each time: copy it before changing it. With `keep:
   * false` it is not cached: for iterating once over many masks.
   */
  bitmap({ keep = true }: { keep?: boolean } = {}): Uint8Array {
    if (this.#bits) return this.#bits
    const bits = bitmapOfRuns(this.runs, this)
    if (keep) this.#bits = bits
    return bits
  }

  /** The pixels inside, as runs along the rows. The same array each time: do not change it. */
  get runs(): Runs {
    if (this.#runs) return this.#runs.length || !this.#extent?.area ? this.#runs : moved()
    const own = this.#predicted()!
    return (this.#runs = collectRuns(visit => thresholdRuns(own.lowResLogits, own, visit)))
  }

  /** Number of pixels inside. */
  get area(): number {
    return this.#measured().area
  }

  /** The bounding box of the mask, [x0, y0, x1, y1] in pixel edges; all 0 if the mask is empty. */
  get boxXyxy(): Box {
    return this.#measured().box
  }

  /** The same box in the format of COCO's `bbox`, [x, y, width, height]. */
  get boxXywh(): readonly [x: number, y: number, width: number, height: number] {
    return toXywh(this.boxXyxy)
  }

  /** Number of pixels inside this mask and the other one, which must be of the same photo. */
  sharedArea(other: Mask): number {
    return sharedArea(this.runs, other.runs)
  }

  /** Intersection over union with another mask of the same photo; 1 if both are empty. */
  iou(other: Mask): number {
    const shared = this.sharedArea(other)
    const union = this.area + other.area - shared
    return union ? shared / union : 1
  }

  /** The same pixels without the logits, which take 256 KB. */
  withoutLogits(): Mask {
    const { width, height, runs: inside, predictedIou } = this
    return new Mask({ width, height, inside, predictedIou })
  }

  /**
   * Stability score, 0 … 1: IoU of the masks at thresholds `offset` above and below the mask's own. 1 if the mask was
   * not predicted.
   */
  stability(offset = 1): number {
    const own = this.#predicted()
    return own ? measureStability(own.lowResLogits, { ...own, offset }) : 1
  }

  /** Area, box and stability, without creating the bitmap: for iterating over many masks. */
  measure(offset = 1): Measures {
    return { ...this.#measured(), stability: this.stability(offset) }
  }

  /**
   * The mask's opacity, 0 … 255, one byte per pixel [height, width]. With `feather` it fades over about that many
   * pixels on each side of the outline.
   */
  toAlpha(options: { feather?: number } = {}): Uint8Array {
    const { feather = 0 } = readOptions('toAlpha', options, { feather: true })
    if (!(Number.isFinite(feather) && feather >= 0 && feather <= 1e4))
      refuse('E_BAD_OPTION', `feather: must be a number of pixels from 0 to 10,000, found ${shown(feather)}`)
    return feathered({ width: this.width, height: this.height, data: this.bitmap({ keep: false }) }, feather)
  }

  /**
   * The mask in one translucent colour on a transparent background, to draw over the photo. `alpha` is 0 … 1, `feather`
   * as in {@link toAlpha}.
   */
  toImageData(options: { color?: Rgb; alpha?: number; feather?: number } = {}): ImageDataLike {
    const names = { color: true, alpha: true, feather: true } as const
    const { color = [30, 144, 255], alpha = 0.6, feather = 0 } = readOptions('toImageData', options, names)
    const data = new Uint8ClampedArray(this.width * this.height * 4)
    this.toAlpha({ feather }).forEach((opacity, i) => {
      if (opacity) data.set([...color, alpha * opacity], i * 4)
    })
    return typeof ImageData === 'undefined'
      ? { width: this.width, height: this.height, data }
      : new ImageData(data, this.width, this.height)
  }

  /**
   * The mask as a PNG file of the photo's size, white inside and black outside; with `feather`, grey between them, as
   * in {@link toAlpha}. For a translucent overlay use `encodePng(mask.toImageData())`. Throws `E_BAD_IMAGE` in Node if
   * sharp is not installed.
   */
  toPng(options: { feather?: number } = {}): Promise<Uint8Array> {
    const { feather = 0 } = readOptions('toPng', options, { feather: true })
    return encodePng({ width: this.width, height: this.height, channels: 1, data: this.toAlpha({ feather }) })
  }

  /** Uncompressed COCO RLE. */
  toRle(): Rle {
    const { part, left, top } = this.#boxPixels()
    return encodeRle(part, { left, top, photo: this })
  }

  /** Compressed COCO RLE, as in pycocotools and SA-1B. */
  toCocoRle(): CocoRle {
    return compressRle(this.toRle())
  }

  /** The mask as plain data for `JSON.stringify`, which calls this. {@link Mask.from} reads it. */
  toJSON(): MaskJson {
    return {
      segmentation: this.toCocoRle(),
      area: this.area,
      bbox: this.boxXywh,
      predicted_iou: this.predictedIou,
      ...(this.lowResLogits && { stability_score: this.stability() })
    }
  }

  /**
   * Polygons with holes along the pixel edges: exactly this mask. With `smooth`, along the contour of the logits, with
   * sub-pixel positions; a mask without logits gets its corners cut. `simplify` is the tolerance in pixels for leaving
   * out corners.
   */
  toPolygons(options: { smooth?: boolean; simplify?: number } = {}): MultiPolygon {
    const { smooth = false, simplify = 0 } = readOptions('toPolygons', options, { smooth: true, simplify: true })
    const full = smooth ? this.#contours() : tracePolygons(this.runs)
    return simplify > 0 ? simplifyPolygons(full, simplify) : full
  }

  #contours(): MultiPolygon {
    const own = this.#predicted()
    if (own) return logitContours(own.lowResLogits, own)
    const { part, left, top } = this.#boxPixels(1)
    return this.area ? bitmapContours(part, { left, top }) : []
  }

  /**
   * The mask without holes, then without islands, of fewer than `minArea` pixels; if every island is smaller, the
   * largest is kept. Without logits if anything changes. Meta: utils/amg.py#remove_small_regions.
   */
  withoutSmallRegions(minArea: number): Mask {
    const { width, height, predictedIou } = this
    const { runs: inside } = removeSmallRegions(this.runs, this, minArea)
    return inside === this.runs ? this : new Mask({ width, height, inside, predictedIou })
  }

  /**
   * Logits [side, side] for this mask as a prompt in `frame`: the decoder's own if it was predicted in this frame, else
   * computed from the bitmap.
   */
  promptLogits(frame: Frame, side: number): Float32Array {
    const own = this.#predicted()
    if (own && own.lowResLogits.length === side * side && sameFrame(own.frame, frame)) return own.lowResLogits
    const [height, width] = frame.originalSize
    if (width !== this.width || height !== this.height) {
      refuse(
        'E_BAD_PROMPT',
        `mask: must have the size of the photo, ${width} × ${height}, found ${this.width} × ${this.height}`
      )
    }
    return bitmapLogits({ width, height, data: this.bitmap({ keep: false }) }, frame, side)
  }

  /** The prediction; undefined if the mask was not predicted. Throws `E_DISPOSED` if its logits were transferred. */
  #predicted(): Required<MaskPrediction> | undefined {
    const { lowResLogits, frame, threshold, predictedIou } = this
    if (!lowResLogits || !frame || threshold === undefined) return undefined
    return lowResLogits.length ? { lowResLogits, frame, threshold, predictedIou } : moved()
  }

  #measured(): Extent {
    return (this.#extent ??= extentOfRuns(this.runs))
  }

  /** The pixels in the bounding box, and in `margin` pixels of the photo around it. */
  #boxPixels(margin = 0): { part: Bitmap; left: number; top: number } {
    const [x0, y0, x1, y1] = this.boxXyxy
    const [left, top, right, bottom] = clipBox([x0 - margin, y0 - margin, x1 + margin, y1 + margin], this)
    const size = { width: right - left, height: bottom - top }
    return { part: { ...size, data: bitmapOfRuns(shiftRuns(this.runs, [-left, -top]), size) }, left, top }
  }
}

const sameFrame = (a: Frame, b: Frame): boolean =>
  a.imageSize === b.imageSize &&
  a.inputSize.every((n, i) => n === b.inputSize[i]) &&
  a.originalSize.every((n, i) => n === b.originalSize[i])

const moved = (): never =>
  refuse('E_DISPOSED', 'this Mask was transferred to another thread; use it there, or post it without a transfer list')

function checkedIou(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  return refuse('E_BAD_PROMPT', `mask: the predicted IoU must be a finite number, found ${shown(value)}`)
}

/** Throws `E_BAD_PROMPT` for what are no runs in order inside a photo of this size. */
function checkRuns(runs: unknown, size: Size): void {
  checkMaskSize('mask', size)
  const inOrder = (values: Int32Array): boolean => {
    let [row, from] = [0, 0]
    for (let i = 0; i < values.length; i += 3) {
      const [y, start, end] = [values[i], values[i + 1], values[i + 2]]
      if (y < row || y >= size.height || start < (y > row ? 0 : from) || end <= start || end > size.width) return false
      ;[row, from] = [y, end]
    }
    return true
  }
  if (!(runs instanceof Int32Array) || runs.length % 3 || !inOrder(runs))
    refuse('E_BAD_PROMPT', `mask: inside must be an Int32Array of runs in order, found ${shown(runs)}`)
}

/** A prediction from elsewhere. Throws `E_BAD_PROMPT` for logits that are no square, or a frame that is none. */
function checkPrediction({ lowResLogits, frame, threshold = 0, predictedIou }: MaskPrediction): MaskPrediction {
  const side = Math.sqrt((lowResLogits as Partial<Float32Array>).length ?? 0)
  if (!(lowResLogits instanceof Float32Array) || !Number.isInteger(side) || side < 1)
    refuse('E_BAD_PROMPT', `mask: lowResLogits must be a square of float32 values, found ${shown(lowResLogits)}`)
  const { imageSize, inputSize, originalSize } = (frame ?? {}) as Partial<Frame>
  const inSquare = [imageSize, ...(inputSize ?? [])].every(n => Number.isInteger(n) && n! > 0 && n! <= imageSize!)
  if (!inSquare || inputSize?.length !== 2 || originalSize?.length !== 2)
    refuse('E_BAD_PROMPT', `mask: frame must be { imageSize, inputSize, originalSize }, found ${shown(frame)}`)
  checkMaskSize('mask', { height: originalSize[0], width: originalSize[1] })
  if (!Number.isFinite(threshold))
    refuse('E_BAD_PROMPT', `mask: threshold must be a finite number, found ${shown(threshold)}`)
  if (!latestFrame || !sameFrame(latestFrame, frame)) latestFrame = frame
  return { lowResLogits, frame: latestFrame, threshold, predictedIou: checkedIou(predictedIou) }
}

/** That of the last mask from elsewhere. Masks of one photo share it, and with it the maps of {@link upscaleLogits}. */
let latestFrame: Frame | undefined
