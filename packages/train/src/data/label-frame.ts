import { readPictureHeader, type PictureHeader } from '@sam/core/model'
import { decodeImage, type Bitmap, type RgbImage } from '@sam/core'
import { scaledPlane } from '../interaction/plane.js'
import { unfit } from './unfit.js'
import { transformedPlane } from './views.js'

export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * The picture that labels refer to: `upright`, as viewers show it; or `stored`, as the file stores it, before its EXIF
 * orientation is applied.
 */
export const labelFrames = ['upright', 'stored'] as const
export type LabelFrame = (typeof labelFrames)[number]

/** An upright photo, and how its file stores it. */
export interface Photo {
  readonly image: RgbImage
  readonly header: PictureHeader
  /** The picture that its labels refer to. */
  readonly frame: LabelFrame
}

/** Reads a photo with its header. Throws `InputError`, see `decodeImage`. */
export async function readPhoto(path: string, frame: LabelFrame = 'upright'): Promise<Photo> {
  const [image, header] = await Promise.all([decodeImage(path), readPictureHeader(path)])
  return { image, header, frame }
}

/** The size of the picture that labels refer to. */
export const frameSize = ({ image, header, frame }: Photo): Size => {
  const { width, height } = frame === 'stored' ? header : image
  return { width, height }
}

/**
 * Checks the size that labels state against their picture, of which they may be a scaled copy. Sizes are proportional
 * where their ratios differ by at most 1%, since sides are rounded. The one rule for polygons, run lengths and mask
 * pictures. Throws `InputError` `E_BAD_IMAGE` for other proportions.
 */
export function checkProportions(photo: Photo, labelled: Size, path: string): void {
  const size = frameSize(photo)
  if (isProportional(labelled, size)) return
  const { orientation } = photo.header
  const isTurned = photo.frame === 'upright' && orientation >= 5 && isProportional(labelled, photo.header)
  const advice = isTurned
    ? `; they seem to refer to the image before its EXIF orientation ${orientation}: if all labels do, say so with 'stored'`
    : ''
  throw unfit(
    path,
    `labels must have the proportions of their ${photo.frame} image of ${size.width} × ${size.height} pixels, ` +
      `found ${labelled.width} × ${labelled.height}${advice}`
  )
}

const isProportional = (a: Size, b: Size): boolean =>
  Math.abs(a.width * b.height - b.width * a.height) <= 0.01 * a.width * b.height

/** A mask of labels as a mask of the upright photo: scaled by nearest neighbour, then turned. */
export function uprightMask(photo: Photo, mask: Bitmap): Uint8Array {
  const size = frameSize(photo)
  const scaled =
    mask.width === size.width && mask.height === size.height ? mask : scaledPlane(mask, { to: size, out: size })
  return photo.frame === 'stored' && photo.header.orientation !== 1
    ? transformedPlane(scaled, { orientation: viewOf[photo.header.orientation - 1], channels: 1 })
    : scaled.data
}

/** The views (see `transformed`) that make a picture of EXIF orientation 1 … 8 upright. */
const viewOf = [0, 1, 3, 2, 4, 6, 7, 5]
