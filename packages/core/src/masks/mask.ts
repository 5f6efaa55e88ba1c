import { encodePng } from '#io'
import { refuse } from '../errors.js'
import type { Frame } from '../image/frame.js'
import type { Rgb } from '../image/image.js'
import type { Size } from '../image/resize.js'
import { bitmapLogits, handMadeLogit } from './bitmap-logits.js'
import { bitmapBox, toXywh, type Box } from './box.js'
import { compressRle, decodeRle, encodeRle, type CocoRle, type Rle } from './rle.js'
import { measureMask, type Measures } from './measure.js'
import { copyBitmap, type Bitmap } from './bitmap.js'
import { tracePolygons, type MultiPolygon } from './polygons.js'
import { rasterize } from './rasterize.js'
import { simplifyPolygons } from './simplify-polygons.js'
import { upscaleRows } from './upscale.js'

/** An `ImageData`, or a plain object of its form where the platform has none (Node). */
export type ImageDataLike = Pick<ImageData, 'width' | 'height' | 'data'>

/** How a mask comes out of the decoder. */
export interface MaskPrediction {
  /** [side, side] over the whole square input, padding included: Meta's `low_res_masks`. Kept, not copied. */
  readonly lowResLogits: Float32Array
  readonly frame: Frame
  /** The model's own estimate of the IoU with the true mask. */
  readonly predictedIou: number
  /** A pixel is inside when its logit exceeds this. Default 0, Meta's `mask_threshold`. */
  readonly threshold?: number
}

/**
 * One object's mask, in the pixels of the photo. Made by `predict`, or by hand from a bitmap, run lengths or polygons.
 * All values are computed on demand; the bitmap is kept, the floats are not.
 */
export class Mask {
  readonly width: number
  readonly height: number
  /** The model's own estimate of the IoU with the true mask; 1 for a mask made by hand. */
  readonly predictedIou: number
  readonly #prediction: Required<MaskPrediction> | undefined
  #bits: Uint8Array | undefined

  /**
   * A prediction, or pixels (any non-zero byte is inside; they are copied). Throws `E_BAD_PROMPT` where their size and
   * data disagree.
   */
  constructor(source: MaskPrediction | (Bitmap & { readonly predictedIou?: number })) {
    if ('lowResLogits' in source) {
      const [height, width] = source.frame.originalSize
      this.#prediction = { threshold: 0, ...source }
      this.predictedIou = source.predictedIou
      ;[this.width, this.height] = [width, height]
    } else {
      const { width, height, data } = copyBitmap(source)
      this.#bits = data
      this.predictedIou = source.predictedIou ?? 1
      ;[this.width, this.height] = [width, height]
    }
  }

  /** The same as the constructor, for symmetry with the other two. */
  static fromBitmap(bitmap: Bitmap): Mask {
    return new Mask(bitmap)
  }

  /** From COCO run lengths, as numbers or as a string. Throws `E_BAD_PROMPT`. */
  static fromRle(rle: Rle | CocoRle): Mask {
    return new Mask(decodeRle(rle))
  }

  /** From polygons with holes in pixels of the photo: every pixel whose centre they cover. Throws `E_BAD_PROMPT`. */
  static fromPolygons(polygons: MultiPolygon, size: Size): Mask {
    return new Mask(rasterize(polygons, size))
  }

  /**
   * The decoder's logits [side, side] over the square input, padding included: Meta's `low_res_masks`. Undefined for a
   * mask made by hand.
   */
  get lowResLogits(): Float32Array | undefined {
    return this.#prediction?.lowResLogits
  }

  /**
   * Logits [height, width]. Meta: modeling/sam.py#postprocess_masks. Of a mask made by hand: ±{@link handMadeLogit}.
   */
  logits(): Float32Array {
    const out = new Float32Array(this.width * this.height)
    if (this.#prediction)
      upscaleRows(this.#prediction.lowResLogits, this.#prediction, (row, y) => out.set(row, y * this.width))
    else
      this.bitmap().forEach((inside, i) => {
        out[i] = inside ? handMadeLogit : -handMadeLogit
      })
    return out
  }

  /**
   * One byte a pixel [height, width], 1 inside. The same array each time: copy it before changing it. With `keep:
   * false` none is kept, for passing over many masks once.
   */
  bitmap({ keep = true }: { keep?: boolean } = {}): Uint8Array {
    if (!this.#bits) {
      const { lowResLogits, frame, threshold } = this.#prediction!
      const { width } = this
      const bits = new Uint8Array(width * this.height)
      upscaleRows(lowResLogits, { frame, above: threshold }, (row, y, [start, end]) => {
        const at = y * width
        for (let x = start; x < end; x++) bits[at + x] = row[x] > threshold ? 1 : 0
      })
      if (!keep) return bits
      this.#bits = bits
    }
    return this.#bits
  }

  /** Number of pixels inside. */
  get area(): number {
    let area = 0
    for (const inside of this.bitmap()) area += inside
    return area
  }

  /** The smallest box around the mask, [x0, y0, x1, y1] by pixel edges; all 0 when the mask is empty. */
  get boxXyxy(): Box {
    return bitmapBox(this.#pixels())
  }

  /** The same box as COCO's `bbox` has it, [x, y, width, height]. */
  get boxXywh(): readonly [x: number, y: number, width: number, height: number] {
    return toXywh(this.boxXyxy)
  }

  /**
   * IoU of the masks cut `offset` above and below the threshold, 0 … 1: how clear-cut the mask is. 1 for a mask made by
   * hand.
   */
  stability(offset = 1): number {
    return this.#prediction ? this.measure(offset).stability : 1
  }

  /** Area, box and stability in one go, without making the bitmap: for passing over many masks. */
  measure(offset = 1): Measures {
    if (!this.#prediction) return { area: this.area, box: this.boxXyxy, stability: 1 }
    const { lowResLogits, frame, threshold } = this.#prediction
    return measureMask(lowResLogits, frame, { threshold, offset })
  }

  /** The mask as one translucent colour on transparent pixels, to be drawn over the photo. `alpha` is 0 … 1. */
  toImageData({ color = [30, 144, 255], alpha = 0.6 }: { color?: Rgb; alpha?: number } = {}): ImageDataLike {
    const data = new Uint8ClampedArray(this.width * this.height * 4)
    const pixel = [...color, alpha * 255]
    this.bitmap().forEach((inside, i) => {
      for (let c = 0; c < 4; c++) data[i * 4 + c] = inside && pixel[c]
    })
    return typeof ImageData === 'undefined'
      ? { width: this.width, height: this.height, data }
      : new ImageData(data, this.width, this.height)
  }

  /**
   * The mask as a PNG file of the photo's size, white inside and black outside; for the translucent colour of
   * {@link toImageData}: `encodePng(mask.toImageData())`. Throws `E_BAD_IMAGE` in Node where sharp is not installed.
   */
  toPng(): Promise<Uint8Array> {
    return encodePng({
      width: this.width,
      height: this.height,
      channels: 1,
      data: this.bitmap().map(inside => inside * 255)
    })
  }

  /** COCO run lengths as numbers. */
  toRle(): Rle {
    return encodeRle(this.#pixels())
  }

  /** COCO run lengths as a string, what pycocotools and SA-1B have. */
  toCocoRle(): CocoRle {
    return compressRle(this.toRle())
  }

  /**
   * Polygons with holes along the pixel edges, exactly this mask; with `simplify`, corners closer to the line than so
   * many pixels are left out.
   */
  toPolygons({ simplify = 0 }: { simplify?: number } = {}): MultiPolygon {
    const exact = tracePolygons(this.#pixels())
    return simplify > 0 ? simplifyPolygons(exact, simplify) : exact
  }

  /**
   * Logits [side, side] that make this mask a prompt in `frame`: the decoder's own where it comes from this frame, else
   * drawn from its bitmap.
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
    return bitmapLogits(this.#pixels(), frame, side)
  }

  #pixels(): Bitmap {
    return { width: this.width, height: this.height, data: this.bitmap() }
  }
}

const sameFrame = (a: Frame, b: Frame): boolean =>
  a.imageSize === b.imageSize &&
  a.inputSize.every((n, i) => n === b.inputSize[i]) &&
  a.originalSize.every((n, i) => n === b.originalSize[i])
