import type { AnnotatedImage, Files, ImageInfo } from './annotated-image.js'

/** One annotation format. */
export interface Format {
  /** Its name for people. */
  readonly title: string
  /** Names of the files that are read. */
  readonly fileNames: RegExp
  /** Whether these files, of which each has such a name, are of this format. */
  readonly matches: (files: Files) => boolean
  readonly read: (files: Files, reading: Reading) => Promise<AnnotatedImage[]>
  readonly write: (images: readonly AnnotatedImage[], options: WriteOptions) => Files
}

/** What all readers share. */
export interface Reading {
  /** See `ReadOptions`; undefined also where the option is not given. */
  readonly findImage: (name: string) => Promise<ImageInfo | undefined>
  /**
   * Reads one annotation. Where it throws a `SamError`, the annotation is skipped: the message goes to `onSkipped`, and
   * the result is undefined. Without `onSkipped` the error is thrown.
   */
  readonly attempt: <T>(read: () => T) => T | undefined
  /** Waits a moment, so that an abort can be handled, and throws the reason of the signal after one. */
  readonly pause: () => Promise<void>
}

/** The `read` of a format with one image per file. */
export const readEach =
  (readFile: (file: string, bytes: Uint8Array, reading: Reading) => Promise<AnnotatedImage> | AnnotatedImage) =>
  async (files: Files, reading: Reading): Promise<AnnotatedImage[]> => {
    const images: AnnotatedImage[] = []
    for (const [file, bytes] of files) {
      await reading.pause()
      images.push(await readFile(file, bytes, reading))
    }
    return images
  }

/** How objects are written. */
export interface WriteOptions {
  /**
   * `mask`: pixels, without loss (RLE, or a PNG in LabelMe). `polygon`: outlines along the pixel edges, also without
   * loss unless `simplify` is given. Default: `mask` in COCO, Label Studio, LabelMe and CVAT. The other formats have
   * one form and ignore the option.
   */
  readonly shapes?: 'mask' | 'polygon' | undefined
  /**
   * Largest distance in pixels between an exact outline and the written one. Objects that touch keep a common border,
   * without overlap or gap. No object and no hole disappears. Default: 0, exact.
   */
  readonly simplify?: number | undefined
  /**
   * Outlines along the logits, with positions between pixels: `Mask.toPolygons({ smooth })`. Masks without logits get
   * their corners cut. Objects that touch are then simplified one by one. Default: false.
   */
  readonly smooth?: boolean | undefined
  /** VOC has one object per pixel: the `first` in the list (default), or the `smallest` of those that contain it. */
  readonly prefer?: 'first' | 'smallest' | undefined
}
