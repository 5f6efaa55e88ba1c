import type { AutomaticMaskOptions, Sam } from '@sam/core'
import { refuse, shown } from '@sam/core/graph'
import { embeddingFormat } from '@sam/core/model'
import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { Encoder, type BatchOptions } from './encoder.js'
import { Slots, type WaitLimits } from './slots.js'

/** A model to serve. The server does not dispose of it. */
export interface ModelOptions {
  readonly sam: Sam
  /**
   * What computes its embeddings: `backend.name`, and the backend's `precision` if it is not f32. Devices round
   * differently, so it is part of the cache's key.
   */
  readonly device: string
  /** Defaults of automatic mask generation. */
  readonly automatic?: AutomaticMaskOptions
}

/** A model with its queues. */
export interface ServedModel extends ModelOptions {
  readonly name: string
  readonly encoder: Encoder
  /** Predictions. */
  readonly decodes: Slots
  /** Automatic masks and text search, which take long: clicks do not wait for them. */
  readonly generates: Slots
  /** The key of an image's embedding: a digest of all that it depends on. */
  readonly keyOf: (bytes: Uint8Array) => string
}

export const modelName = /^[a-z0-9][a-z0-9_.]{0,63}$/

/** Throws `E_BAD_OPTION` for a name that cannot be part of a URL, and a model without an image encoder. */
export async function openModel(
  name: string,
  options: ModelOptions,
  { batch, limits }: { readonly batch: BatchOptions; readonly limits: WaitLimits }
): Promise<ServedModel> {
  if (!modelName.test(name))
    refuse('E_BAD_OPTION', `models: a name must match ${modelName.source}, found ${shown(name)}`)
  const encoder = await options.sam.encoderFingerprint()
  if (encoder === undefined) refuse('E_BAD_OPTION', `models: ${name} must have an image encoder; load all its parts`)
  const { vips } = sharp.versions
  const context = JSON.stringify([encoder, embeddingFormat(options.sam.config), options.device, `libvips ${vips}`])
  return {
    ...options,
    name,
    encoder: new Encoder(options.sam, batch, limits),
    decodes: new Slots(2, limits),
    generates: new Slots(1, limits),
    keyOf: bytes => createHash('sha256').update(context).update('\n').update(bytes).digest('hex')
  }
}
