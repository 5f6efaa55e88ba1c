import type { Detector, RgbImage } from '@sam/core'
import { readOptions, refuse, shown } from '@sam/core/graph'

/** The result of transformers.js' `pipeline('zero-shot-object-detection')`. */
export type ZeroShotDetector = (image: unknown, labels: string[], options: { threshold: number }) => Promise<unknown>

export interface ZeroShotOptions {
  /** The image class of the same module. */
  readonly RawImage: new (data: Uint8Array, width: number, height: number, channels: 3) => unknown
  /** Detections with lower scores are not returned. Default 0.1; a query has its own threshold. */
  readonly threshold?: number | undefined
}

interface Found {
  readonly score: number
  readonly label: string
  readonly box: Readonly<Record<'xmin' | 'ymin' | 'xmax' | 'ymax', number>>
}

/**
 * transformers.js' zero-shot object detection (OWL-ViT, OWLv2, Grounding DINO) as the detector of a query.
 *
 * @example
 * const { pipeline, RawImage } = await import('@xenova/transformers')
 * const detect = zeroShotDetector(await pipeline('zero-shot-object-detection', 'Xenova/owlvit-base-patch32'), {
 * RawImage }) const wheels = await image.query('a wheel', { detect })
 */
export function zeroShotDetector(detect: ZeroShotDetector, options: ZeroShotOptions): Detector {
  const { RawImage, threshold = 0.1 } = readOptions('zeroShotDetector', options, { RawImage: true, threshold: true })
  if (typeof detect !== 'function')
    refuse('E_BAD_OPTION', `detect: must be await pipeline('zero-shot-object-detection', …), found ${shown(detect)}`)
  if (typeof RawImage !== 'function')
    refuse('E_BAD_OPTION', `RawImage: must be the class of transformers.js, found ${shown(RawImage)}`)
  return async ({ width, height, data }: RgbImage, phrases) => {
    const found = (await detect(new RawImage(data, width, height, 3), [...phrases], { threshold })) as readonly Found[]
    return found.map(({ score, label, box: { xmin, ymin, xmax, ymax } }) => ({
      score,
      label,
      box: [xmin, ymin, xmax, ymax]
    }))
  }
}
