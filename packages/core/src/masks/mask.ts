import { encodePng } from '#io'
import { refuse } from '../errors.js'
import { readOptions } from '../options.js'
import type { Frame } from '../image/frame.js'
import type { Rgb } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { bitmapLogits, handMadeLogit } from './bitmap-logits.js'
import { toXywh, type Box } from './box.js'
import { compressRle, encodeRle, runsOfRle, type CocoRle, type Rle } from './rle.js'
import { measureStability, type Measures } from './measure.js'
import { copyBitmap, type Bitmap } from './bitmap.js'
import { tracePolygons, type MultiPolygon } from './polygons.js'
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
  readonly runs: Runs
  readonly predictedIou: number
}

/**
 * One object's mask, in pixels of the photo. Predicted, or created from a bitmap, run lengths or polygons. All values
 * are computed on demand; the runs and the bitmap are cached, the floats are not.
 */
export class Mask {
  readonly width: number
  readonly height: number
  /** The model's estimate of the IoU with the true mask; 1 if the mask was not predicted. */
  readonly predictedIou: number
  readonly #prediction: Required<MaskPrediction> | undefined
  #runs: Runs | undefined
  #bits: Uint8Array | undefined
  #extent: Extent | undefined

  /**
   * From a prediction, or from pixels (copied; any non-zero byte is inside). Throws `E_BAD_PROMPT` if size and data
   * disagree.
   */
  constructor(source: MaskPrediction | MaskRuns | (Bitmap & { readonly predictedIou?: number })) {
    if ('lowResLogits' in source) {
      const [height, width] = source.frame.originalSize
      this.#prediction = { threshold: 0, ...source }
      this.predictedIou = source.predictedIou
      ;[this.width, this.height] = [width, height]
    } else if ('runs' in source) {
      this.#runs = source.runs
      this.predictedIou = source.predictedIou
      ;[this.width, this.height] = [source.width, source.height]
    } else {
      const { width, height, data } = copyBitmap(source)
      this.#bits = data
      this.predictedIou = source.predictedIou ?? 1
      ;[this.width, this.height] = [width, height]
    }
  }

  /** Same as the constructor, for symmetry with `fromRle` and `fromPolygons`. */
  static fromBitmap(bitmap: Bitmap): Mask {
    return new Mask(bitmap)
  }

  /** From a COCO RLE, as numbers or as a string. Throws `E_BAD_PROMPT`. */
  static fromRle(rle: Rle | CocoRle): Mask {
    return new Mask({ ...runsOfRle(rle), predictedIou: 1 })
  }

  /** From polygons with holes, in pixels of the photo: the pixels whose centres they cover. Throws `E_BAD_PROMPT`. */
  static fromPolygons(polygons: MultiPolygon, size: Size): Mask {
    return new Mask(rasterize(polygons, size))
  }

  /**
   * The decoder's logits [side, side] over the square input, including the padding: Meta's `low_res_masks`. Undefined
   * if the mask was not predicted.
   */
  get lowResLogits(): Float32Array | undefined {
    return this.#prediction?.lowResLogits
  }

  /**
   * Logits [height, width]. Meta: modeling/sam.py#postprocess_masks. ±{@link handMadeLogit} if the mask was not
   * predicted.
   */
  logits(): Float32Array {
    if (this.#prediction) return upscaleLogits(this.#prediction.lowResLogits, this.#prediction.frame)
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
    if (!this.#runs) {
      const own = this.#prediction
      this.#runs = own
        ? collectRuns(visit => thresholdRuns(own.lowResLogits, own, visit))
        : runsOfBitmap({ width: this.width, height: this.height, data: this.#bits! })
    }
    return this.#runs
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
    const { width, height, runs, predictedIou } = this
    return new Mask({ width, height, runs, predictedIou })
  }

  /**
   * Stability score, 0 … 1: IoU of the masks at thresholds `offset` above and below the mask's own. 1 if the mask was
   * not predicted.
   */
  stability(offset = 1): number {
    const own = this.#prediction
    return own ? measureStability(own.lowResLogits, { ...own, offset }) : 1
  }

  /** Area, box and stability, without creating the bitmap: for iterating over many masks. */
  measure(offset = 1): Measures {
    return { ...this.#measured(), stability: this.stability(offset) }
  }

  /** The mask in one translucent colour on a transparent background, to draw over the photo. `alpha` is 0 … 1. */
  toImageData(options: { color?: Rgb; alpha?: number } = {}): ImageDataLike {
    const { color = [30, 144, 255], alpha = 0.6 } = readOptions('toImageData', options, { color: true, alpha: true })
    const data = new Uint8ClampedArray(this.width * this.height * 4)
    const pixel = [...color, alpha * 255]
    this.bitmap({ keep: false }).forEach((inside, i) => {
      for (let c = 0; c < 4; c++) data[i * 4 + c] = inside && pixel[c]
    })
    return typeof ImageData === 'undefined'
      ? { width: this.width, height: this.height, data }
      : new ImageData(data, this.width, this.height)
  }

  /**
   * The mask as a PNG file of the photo's size, white inside and black outside. For a translucent overlay use
   * `encodePng(mask.toImageData())`. Throws `E_BAD_IMAGE` in Node if sharp is not installed.
   */
  toPng(): Promise<Uint8Array> {
    return encodePng({
      width: this.width,
      height: this.height,
      channels: 1,
      data: this.bitmap({ keep: false }).map(inside => inside * 255)
    })
  }

  /** Uncompressed COCO RLE. */
  toRle(): Rle {
    const [left, top] = this.boxXyxy
    return encodeRle(this.#boxPixels(), { left, top, photo: this })
  }

  /** Compressed COCO RLE, as in pycocotools and SA-1B. */
  toCocoRle(): CocoRle {
    return compressRle(this.toRle())
  }

  /**
   * Polygons with holes along the pixel edges: exactly this mask. `simplify` is the tolerance in pixels for leaving out
   * corners.
   */
  toPolygons(options: { simplify?: number } = {}): MultiPolygon {
    const { simplify = 0 } = readOptions('toPolygons', options, { simplify: true })
    const [left, top] = this.boxXyxy
    const exact = tracePolygons(this.#boxPixels()).map(rings =>
      rings.map(ring => ring.map(([x, y]) => [x + left, y + top] as const))
    )
    return simplify > 0 ? simplifyPolygons(exact, simplify) : exact
  }

  /**
   * Logits [side, side] for this mask as a prompt in `frame`: the decoder's own if it was predicted in this frame, else
   * computed from the bitmap.
   */
  promptLogits(frame: Frame, side: number): Float32Array {
    const own = this.#prediction
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

  #measured(): Extent {
    return (this.#extent ??= extentOfRuns(this.runs))
  }

  /** The pixels in the bounding box. */
  #boxPixels(): Bitmap {
    const [left, top, right, bottom] = this.boxXyxy
    const size = { width: right - left, height: bottom - top }
    return { ...size, data: bitmapOfRuns(shiftRuns(this.runs, [-left, -top]), size) }
  }
}

const sameFrame = (a: Frame, b: Frame): boolean =>
  a.imageSize === b.imageSize &&
  a.inputSize.every((n, i) => n === b.inputSize[i]) &&
  a.originalSize.every((n, i) => n === b.originalSize[i])
