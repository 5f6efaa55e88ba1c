import { tinyModel, type TinyClip } from '@sam/model-tiny'
import * as mobileSam from 'virtual:mobile-sam'

/** A model that is part of the page. */
export interface BundledModel {
  readonly label: string
  /** A short description for users. */
  readonly description: string
  readonly weights: URL
  /** Size and SHA-256 of the weights, which are then stored on the device for the next visit. */
  readonly file?: { readonly size: number; readonly sha256: string }
  /** The CLIP of its text prompts. */
  readonly clip?: TinyClip
}

export type BundledName = 'mobile_sam' | 'tiny'

/** The models that are part of the page, the default first. To bundle another, add it here. */
export const bundledModels: Readonly<Record<BundledName, BundledModel>> = {
  mobile_sam: {
    label: 'MobileSAM',
    description: 'for photos',
    weights: new URL(mobileSam.url, location.href),
    file: mobileSam
  },
  tiny: {
    label: 'tiny',
    description: 'for text prompts; trained on generated scenes',
    weights: tinyModel().weights,
    clip: tinyModel().clip
  }
}

export const isBundledName = (name: unknown): name is BundledName =>
  typeof name === 'string' && Object.hasOwn(bundledModels, name)
