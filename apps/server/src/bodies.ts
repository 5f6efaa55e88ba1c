import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { readPictureHeader } from '@sam/core/model'
import { HttpError } from './http-error.js'

/** Refuses a body of more than so many bytes, by its header, or when it has arrived. */
export const atMost = (maxSize: number): MiddlewareHandler =>
  bodyLimit({
    maxSize,
    onError: () => {
      throw new HttpError(413, 'E_TOO_LARGE', `the body must have at most ${maxSize} bytes`).with({
        connection: 'close'
      })
    }
  })

/** Refuses compressed bodies: their size is unknown before they are unpacked. */
export const uncompressed: MiddlewareHandler = async (c, next) => {
  if (![undefined, '', 'identity'].includes(c.req.header('content-encoding')))
    throw new HttpError(415, 'E_MEDIA_TYPE', 'the body must not be compressed')
  await next()
}

/** Refuses an image file by the size in its header, before a pixel is decoded. */
export async function checkPixels(bytes: Uint8Array, limit: number, signal: AbortSignal): Promise<void> {
  const { width, height } = await readPictureHeader(bytes, { signal })
  if (width * height > limit)
    throw new HttpError(
      413,
      'E_IMAGE_TOO_LARGE',
      `the image must have at most ${limit} pixels, found ${width} × ${height}`
    )
}
