import type { AutomaticMaskOptions } from '@sam/core'
import { tinyModel, type TinyClip } from '@sam/model-tiny'
import * as mobileSam from 'virtual:mobile-sam'
import { tinySizes } from './tiny-text.js'

/** A model that is part of the page. */
export interface BundledModel {
  readonly label: string
  /** What it is good at, for users. */
  readonly description: string
  readonly licence: string
  readonly weights: URL
  /** Bytes that are downloaded to load it. */
  readonly size: number
  /** Bytes that are downloaded for the first phrase. */
  readonly textSize?: number
  /** Size and SHA-256 of the weights, which are then stored on the device for the next visit. */
  readonly file?: { readonly size: number; readonly sha256: string }
  /** The CLIP of its text prompts. */
  readonly clip?: TinyClip
  /** Options of automatic mask generation, if Meta's do not suit it. */
  readonly automatic?: Pick<AutomaticMaskOptions, 'pointsPerSide' | 'predIouThresh' | 'stabilityScoreThresh'>
}

export type BundledName = 'mobile_sam' | 'tiny'

/** The models that are part of the page, the default first. To bundle another, add it here. */
export const bundledModels: Readonly<Record<BundledName, BundledModel>> = {
  mobile_sam: {
    label: 'MobileSAM',
    description: 'Photos of any kind: clicks, boxes, brush, everything. No phrases.',
    licence: 'Apache-2.0',
    weights: new URL(mobileSam.url, location.href),
    size: mobileSam.size,
    file: mobileSam
  },
  tiny: {
    label: 'Tiny',
    description: 'Phrases such as “a red star”, in pictures of simple shapes only. Not for photos.',
    licence: 'Apache-2.0',
    weights: tinyModel().weights,
    size: tinySizes.model,
    textSize: tinySizes.text,
    clip: tinyModel().clip,
    automatic: tinyModel().automatic
  }
}

export const isBundledName = (name: unknown): name is BundledName =>
  typeof name === 'string' && Object.hasOwn(bundledModels, name)
