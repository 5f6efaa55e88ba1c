import type { EncodedImage, ImageInput, Sam } from '@sam/core'

/** What is used of an encoded image: an `EncodedImage`, or a `RemoteImage` of `@sam/worker`. */
export type ImageLike = Pick<EncodedImage, 'predict' | 'query' | 'streamMasks' | 'dispose'>

/** What is used of a model: a `Sam`, or a `RemoteSam` of `@sam/worker`. */
export type SamLike = Pick<Sam, 'text' | 'textWidth' | 'recover'> & {
  encode(input: ImageInput, options?: { readonly signal?: AbortSignal | undefined }): Promise<ImageLike>
}
