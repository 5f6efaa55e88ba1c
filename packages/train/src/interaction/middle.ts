import type { Bitmap } from '@sam/core'

/** The largest 4-connected region of a mask; undefined for an empty one. */
export function largestRegion({ width, height, data }: Bitmap): Bitmap | undefined {
  const label = new Int32Array(width * height)
  const stack: number[] = []
  let [best, bestSize, count] = [0, 0, 0]
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || label[start]) continue
    label[start] = ++count
    stack.push(start)
    let size = 0
    while (stack.length) {
      const at = stack.pop()!
      const x = at % width
      size++
      for (const next of [x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width]) {
        if (next >= 0 && next < data.length && data[next] && !label[next]) {
          label[next] = count
          stack.push(next)
        }
      }
    }
    if (size > bestSize) [best, bestSize] = [count, size]
  }
  return bestSize ? { width, height, data: Uint8Array.from(label, l => (l === best ? 1 : 0)) } : undefined
}

/**
 * The pixel [x, y] of a mask that is furthest from its border (the image edge counts as border), by a two-pass 3-4
 * chamfer distance transform. Evaluations click there, as interactive benchmarks do.
 */
export function middleOf({ width, height, data }: Bitmap): readonly [number, number] {
  const distance = new Int32Array(width * height)
  const d = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : distance[y * width + x]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x])
        distance[y * width + x] = Math.min(d(x - 1, y) + 3, d(x, y - 1) + 3, d(x - 1, y - 1) + 4, d(x + 1, y - 1) + 4)
    }
  }
  let best = 0
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      const at = y * width + x
      if (!data[at]) continue
      distance[at] = Math.min(distance[at], d(x + 1, y) + 3, d(x, y + 1) + 3, d(x + 1, y + 1) + 4, d(x - 1, y + 1) + 4)
      if (distance[at] > distance[best] || !data[best]) best = at
    }
  }
  return [best % width, Math.floor(best / width)]
}
