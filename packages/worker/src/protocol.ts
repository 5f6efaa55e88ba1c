import type { AutomaticMaskOptions, EncodedImage, ImageInput, Progress, Sam, SamConfig, TextModel } from '@sam/core'
import type { NumberedUpdate } from './stream.js'

/** What a worker answers about its model. */
export interface SamFacts {
  readonly config: SamConfig
  readonly textWidth: number | undefined
  readonly unusedTensors: readonly string[]
  /** The text encoder, without its methods. `crops`: whether it embeds crops. */
  readonly text: (Omit<TextModel, 'embed' | 'embedCrops'> & { readonly crops: boolean }) | undefined
}

/** An encoded image in the worker. */
export interface ImageFacts {
  readonly id: number
  readonly width: number
  readonly height: number
}

export interface OpenOptions {
  readonly data: unknown
  readonly onProgress: ((progress: Progress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** Methods of an image that are called in the worker by name. */
export const imageMethods = ['predict', 'generateMasks', 'query', 'photo', 'embedding', 'save'] as const
export type ImageMethod = (typeof imageMethods)[number]

type EncodeOptions = Parameters<Sam['encode']>[1]
type CropOptions = Parameters<EncodedImage['encodeCrop']>[1]

/** The calls of one connection. */
export interface SamCalls {
  /** Loads the model, or joins its loading. */
  open(options: OpenOptions): Promise<SamFacts>
  encode(input: ImageInput, options: EncodeOptions): Promise<ImageFacts>
  load(...args: Parameters<Sam['load']>): Promise<ImageFacts>
  encodeCrop(id: number, box: Parameters<EncodedImage['encodeCrop']>[0], options: CropOptions): Promise<ImageFacts>
  /** Calls a method of an image. The last of `args` is its options. */
  image(id: number, method: ImageMethod, ...args: unknown[]): Promise<unknown>
  /** `EncodedImage.streamMasks`; `send` tells whether the page wants more. */
  streamMasks(
    id: number,
    options: AutomaticMaskOptions | undefined,
    send: (update: NumberedUpdate) => boolean | Promise<boolean>
  ): Promise<void>
  /** Disposes of an image. */
  release(id: number): void
  embed(...args: Parameters<TextModel['embed']>): Promise<readonly Float32Array[]>
  embedCrops(...args: Parameters<NonNullable<TextModel['embedCrops']>>): Promise<readonly Float32Array[]>
  recover(): Promise<void>
  encoderFingerprint(): Promise<string | undefined>
  /** Disposes of the images of this connection, and of the model if no other uses it. */
  dispose(): Promise<void>
}
