import { encodePng } from '@sam/core'

/** A grey PNG file whose pixel (x, y) is `f(x, y)`. */
export const greyPng = (width: number, height: number, f: (x: number, y: number) => number): Promise<Uint8Array> =>
  encodePng({
    width,
    height,
    channels: 1,
    data: Uint8Array.from({ length: width * height }, (_, i) => f(i % width, Math.floor(i / width)))
  })
