import { unfit } from './unfit.js'

/** Bytes of a JSON file that is read whole (SA-1B, `--mask`), and of one entry of a COCO file. */
export const jsonLimit = 64 * 2 ** 20
/** Bytes of a COCO file outside its lists of images, annotations and categories. */
export const jsonRestLimit = 16 * 2 ** 20
/** Bytes of all masks of one image: one byte per pixel and mask. */
export const maskMemoryLimit = 4 * 2 ** 30

/** Throws `InputError` `E_BAD_IMAGE` where the masks of one image need more memory than {@link maskMemoryLimit}. */
export function checkMaskMemory(
  path: string,
  { count, width, height }: { readonly count: number; readonly width: number; readonly height: number }
): void {
  if (count * width * height > maskMemoryLimit)
    throw unfit(
      path,
      `the masks of an image may have ${maskMemoryLimit / 2 ** 30} GiB together, found ${count} of ` +
        `${width} × ${height} pixels; scale the image and its masks down, or split it`
    )
}
