import type { Bitmap } from '@sam/core'
import { valueNoise } from '@sam/scenes'
import { boundsOf, iouOf } from '@sam/train/toolkit'
import type { Rng } from '@sam/rng'

/**
 * Perturbs a mask like a model's prediction: a displaced border, and sometimes a missing piece or a piece of a
 * neighbour. The IoU stays at least 0.5; an empty mask is returned unchanged. A small CLIP trained on exact masks alone
 * is less accurate on predicted ones.
 */
export function perturbMask(rng: Rng, truth: Bitmap, neighbours: readonly Bitmap[] = []): Bitmap {
  const box = grown(truth)
  if (!box) return truth
  let perturbed = displacedBorder(rng, truth, box)
  if (rng.chance(0.3)) {
    const beyond = halfPlane(rng, box)
    perturbed = changed(perturbed, box, (v, x, y) => (v && !beyond(x, y) ? 1 : 0))
  }
  if (neighbours.length && rng.chance(0.4)) {
    const [{ data }, beyond] = [rng.pick(neighbours), halfPlane(rng, box)]
    perturbed = changed(perturbed, box, (v, x, y) => (v || (data[y * truth.width + x] && beyond(x, y)) ? 1 : 0))
  }
  return iouOf(perturbed.data, truth.data) >= 0.5 ? perturbed : truth
}

/** A region of the image: [x0, y0, x1, y1), by pixel edges. */
type Region = readonly [number, number, number, number]

/** The mask's box, enlarged by a quarter on all sides. */
function grown(mask: Bitmap): Region | undefined {
  const bounds = boundsOf(mask)
  if (!bounds) return undefined
  const [x0, y0, x1, y1] = bounds
  const [dx, dy] = [Math.ceil((x1 - x0 + 1) / 4), Math.ceil((y1 - y0 + 1) / 4)]
  return [
    Math.max(0, x0 - dx),
    Math.max(0, y0 - dy),
    Math.min(mask.width, x1 + 1 + dx),
    Math.min(mask.height, y1 + 1 + dy)
  ]
}

/** A copy of a mask, changed within a region. */
function changed(
  { width, height, data }: Bitmap,
  [x0, y0, x1, y1]: Region,
  to: (v: number, x: number, y: number) => number
): Bitmap {
  const out = data.slice()
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) out[y * width + x] = to(data[y * width + x], x, y)
  return { width, height, data: out }
}

/** The half plane beyond a random line through the outer part of a box. */
function halfPlane(rng: Rng, [x0, y0, x1, y1]: Region): (x: number, y: number) => boolean {
  const turn = rng.between(0, 2 * Math.PI)
  const [dx, dy] = [Math.cos(turn), Math.sin(turn)]
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2]
  const from = rng.between(0, 0.35) * (Math.abs(dx) * (x1 - x0) + Math.abs(dy) * (y1 - y0))
  return (x, y) => dx * (x - cx) + dy * (y - cy) > from
}

/** The mask blurred, with noise added, and thresholded again. */
function displacedBorder(rng: Rng, mask: Bitmap, region: Region): Bitmap {
  const [x0, y0, x1, y1] = region
  const side = Math.min(x1 - x0, y1 - y0)
  const near = meansIn(mask, region, Math.round(rng.between(0, 0.12) * side))
  const height = rng.between(0, 0.6)
  const noise = valueNoise(rng, side / rng.int(3, 7))
  return changed(mask, region, (_, x, y) => (near(x, y) + height * (2 * noise(x, y) - 1) > 0.5 ? 1 : 0))
}

/** Box means of a mask in a region, by a summed-area table. */
function meansIn(
  { width, height, data }: Bitmap,
  [x0, y0, x1, y1]: Region,
  radius: number
): (x: number, y: number) => number {
  const [left, top, right, bottom] = [
    Math.max(0, x0 - radius),
    Math.max(0, y0 - radius),
    Math.min(width, x1 + radius),
    Math.min(height, y1 + radius)
  ]
  const across = right - left + 1
  const sums = new Int32Array(across * (bottom - top + 1))
  for (let y = top; y < bottom; y++) {
    for (let x = left, row = 0; x < right; x++) {
      row += data[y * width + x]
      sums[(y - top + 1) * across + x - left + 1] = sums[(y - top) * across + x - left + 1] + row
    }
  }
  const to = (x: number, y: number): number => sums[(y - top) * across + x - left]
  return (x, y) => {
    const [l, t, r, b] = [
      Math.max(left, x - radius),
      Math.max(top, y - radius),
      Math.min(right, x + radius + 1),
      Math.min(bottom, y + radius + 1)
    ]
    return (to(r, b) - to(l, b) - to(r, t) + to(l, t)) / ((r - l) * (b - t))
  }
}
