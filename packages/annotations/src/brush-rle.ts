import type { Mask } from '@sam/core'
import type { Refuse } from '@sam/core/graph'
import { maskOfPixels } from './mask-shapes.js'

/**
 * Label Studio's brush RLE, the format of @thi.ng/rle-pack: bits, highest first. 32 bits with the number of values, 5
 * with the bits of a value − 1, four times 4 with the bits of a length − 1. Then groups: one bit whether one value is
 * repeated, two bits that choose how many bits the length has, the length − 1, and the value or the values. The values
 * are the bytes of an RGBA picture; a pixel is inside where alpha is over half.
 */
export function decodeBrush(bytes: Uint8Array, size: { width: number; height: number }, fail: Refuse): Mask {
  const bits = bitReader(bytes, fail)
  const count = bits(32)
  const wanted = size.width * size.height * 4
  if (count !== wanted) fail(`brush RLE must hold ${wanted} values, four for each pixel of the image, found ${count}`)
  const wordSize = bits(5) + 1
  if (wordSize !== 8) fail(`brush RLE must hold values of 8 bits, found ${wordSize}`)
  const lengthSizes = [0, 0, 0, 0].map(() => bits(4) + 1)
  return maskOfPixels(size, { left: 0, top: 0, width: size.width }, add => {
    for (let at = 0; at < count; ) {
      const repeated = bits(1)
      const end = at + 1 + bits(lengthSizes[bits(2)])
      if (end > count) fail(`brush RLE must hold ${count} values, found more`)
      if (repeated) {
        if (bits(8) > 127) add(alphasBefore(at), alphasBefore(end))
        at = end
      } else {
        for (; at < end; at++) if (bits(8) > 127 && at % 4 === 3) add(at >> 2, (at >> 2) + 1)
      }
    }
  })
}

/** How many of the first values are alpha: every fourth is. */
const alphasBefore = (count: number): number => Math.floor(count / 4)

function bitReader(bytes: Uint8Array, fail: Refuse): (count: number) => number {
  let at = 0
  return count => {
    if (at + count > bytes.length * 8) fail('brush RLE ends too early')
    let value = 0
    for (let left = count; left > 0; ) {
      const available = 8 - (at % 8)
      const taken = Math.min(left, available)
      value = value * 2 ** taken + ((bytes[at >> 3] >> (available - taken)) & ((1 << taken) - 1))
      at += taken
      left -= taken
    }
    return value
  }
}

/** The bits of lengths that Label Studio's own encoder uses. */
const lengthSizes = [3, 4, 8, 16]

/** See {@link decodeBrush}: white where the mask is, transparent elsewhere. */
export function encodeBrush({ width, height, runs }: Mask): number[] {
  const bytes: number[] = []
  let [held, holds] = [0, 0]
  const bits = (value: number, count: number): void => {
    for (let shift = count - 1; shift >= 0; shift--) {
      held = held * 2 + (Math.floor(value / 2 ** shift) % 2)
      if (++holds < 8) continue
      bytes.push(held)
      ;[held, holds] = [0, 0]
    }
  }
  const repeat = (value: number, pixels: number): void => {
    for (let left = pixels * 4; left > 0; ) {
      const length = Math.min(left, 2 ** 16)
      const size = lengthSizes.findIndex(size => length <= 2 ** size)
      bits(1, 1)
      bits(size, 2)
      bits(length - 1, lengthSizes[size])
      bits(value, 8)
      left -= length
    }
  }
  bits(width * height * 4, 32)
  bits(7, 5)
  for (const size of lengthSizes) bits(size - 1, 4)
  let at = 0
  for (let i = 0; i < runs.length; i += 3) {
    const [start, end] = [runs[i] * width + runs[i + 1], runs[i] * width + runs[i + 2]]
    repeat(0, start - at)
    repeat(255, end - start)
    at = end
  }
  repeat(0, width * height - at)
  if (holds) bits(0, 8 - holds)
  return bytes
}
