import { refuse } from '../errors.js'
import type { Rgb, RgbImage } from '../image/image.js'
import type { Box } from '../masks/box.js'
import type { Mask } from '../masks/mask.js'
import { clipRegion, disc, outline, paint, rectangle, type Shape } from './paint.js'
import type { MultiPolygon } from '../masks/polygons.js'
import { readOptions } from '../options.js'
import type { Point } from '../prompts/prompt.js'
import { segmentDistance, simplifyPolygons } from '../masks/simplify-polygons.js'

export interface OverlayOptions {
  /** Points to draw: green discs with a plus for foreground, red discs with a minus for background. */
  readonly points?: readonly Point[] | undefined
  readonly boxes?: readonly Box[] | undefined
  /** Colour of the i-th mask. Default {@link distinctColor}. */
  readonly color?: ((index: number) => Rgb) | undefined
  /** Opacity of the masks' fill, 0 … 1. Default 0.4. */
  readonly opacity?: number | undefined
}

const white: Rgb = [255, 255, 255]
const ink: Rgb = [16, 18, 24]
const pointColor = { foreground: [22, 163, 74], background: [220, 38, 38] } as const

/**
 * Draws masks and prompts over a copy of the photo: translucent fills, large masks below small ones, a crisp outline
 * with a light halo, and markers. Line widths scale with the picture. `image` is not changed.
 * Throws `E_BAD_IMAGE` for a mask of another size, `E_BAD_OPTION` for an unknown option.
 */
export function overlay(image: RgbImage, masks: readonly Mask[], options: OverlayOptions = {}): RgbImage {
  const names = { points: true, boxes: true, color: true, opacity: true } as const
  const { points = [], boxes = [], color = distinctColor, opacity = 0.4 } = readOptions('overlay', options, names)
  const stranger = masks.find(mask => mask.width !== image.width || mask.height !== image.height)
  if (stranger) {
    refuse(
      'E_BAD_IMAGE',
      `overlay: masks must have the size of the photo, ${image.width} × ${image.height}, ` +
        `found ${stranger.width} × ${stranger.height}`
    )
  }
  const canvas = { ...image, data: new Uint8Array(image.data) } // not slice(): on a Buffer it shares memory
  const unit = Math.max(1, Math.max(image.width, image.height) / 900)

  const layers = masks.map((mask, i) => ({ mask, area: mask.area, color: color(i) })).sort((a, b) => b.area - a.area)
  for (const { mask, color } of layers) fill(canvas, mask, { color, opacity })
  for (const { mask, color } of layers) stroke(canvas, mask, { color, unit })
  for (const box of boxes) frame(canvas, box, unit)
  for (const point of points) badge(canvas, point, unit)
  return canvas
}

/** Distinct colours for any number of masks: hues spaced by the golden angle, starting at blue. */
export function distinctColor(index: number): Rgb {
  const hue = (210 + index * 137.508) % 360
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12
    return Math.round(255 * (0.55 - 0.43 * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

function fill(canvas: RgbImage, mask: Mask, { color, opacity }: { color: Rgb; opacity: number }): void {
  const bits = mask.bitmap({ keep: false })
  paint(canvas, mask.boxXyxy, {
    color,
    opacity,
    shape: (x, y) => (bits[Math.floor(y) * mask.width + Math.floor(x)] ? -1 : 1)
  })
}

function stroke(canvas: RgbImage, mask: Mask, { color, unit }: { color: Rgb; unit: number }): void {
  const [line, halo] = [2 * unit, 4.5 * unit]
  // Draw along the simplified outline, so that pixel steps become straight strokes.
  const polygons = simplifyPolygons(mask.toPolygons(), 0.9)
  const [x0, y0, x1, y1] = mask.boxXyxy
  const region = clipRegion([x0 - halo, y0 - halo, x1 + halo, y1 + halo], canvas)
  const distance = distanceTo(polygons, region, halo)
  paint(canvas, region, { color: white, opacity: 0.65, shape: (x, y) => distance(x, y) - halo / 2 })
  paint(canvas, region, { color, shape: (x, y) => distance(x, y) - line / 2 })
}

/**
 * Distance to the nearest of many segments, up to `reach` pixels. Each segment updates the pixels around it.
 */
function distanceTo(polygons: MultiPolygon, region: Box, reach: number): Shape {
  const [left, top, right, bottom] = region
  const width = right - left
  const nearest = new Float32Array(width * (bottom - top)).fill(Infinity)
  for (const ring of polygons.flat()) {
    for (let i = 1; i < ring.length; i++) {
      const [a, b] = [ring[i - 1], ring[i]]
      for (
        let y = Math.max(top, Math.floor(Math.min(a[1], b[1]) - reach));
        y < Math.min(bottom, Math.max(a[1], b[1]) + reach);
        y++
      ) {
        for (
          let x = Math.max(left, Math.floor(Math.min(a[0], b[0]) - reach));
          x < Math.min(right, Math.max(a[0], b[0]) + reach);
          x++
        ) {
          const at = (y - top) * width + x - left
          nearest[at] = Math.min(nearest[at], segmentDistance([x + 0.5, y + 0.5], a, b))
        }
      }
    }
  }
  return (x, y) => nearest[(Math.floor(y) - top) * width + Math.floor(x) - left]
}

function frame(canvas: RgbImage, [x0, y0, x1, y1]: Box, unit: number): void {
  const shape = rectangle([x0, y0, x1, y1])
  const region: Box = [x0 - 4 * unit, y0 - 4 * unit, x1 + 4 * unit, y1 + 4 * unit]
  paint(canvas, region, { color: ink, opacity: 0.55, shape: outline(shape, 5 * unit) })
  paint(canvas, region, { color: white, shape: outline(shape, 2.5 * unit) })
}

function badge(canvas: RgbImage, { x, y, label = 'foreground' }: Point, unit: number): void {
  const radius = 9 * unit
  const region: Box = [x - 2 * radius, y - 2 * radius, x + 2 * radius, y + 2 * radius]
  const [arm, thick] = [0.55 * radius, 0.14 * radius]
  const minus = rectangle([x - arm, y - thick, x + arm, y + thick])
  const plus = rectangle([x - thick, y - arm, x + thick, y + arm])
  paint(canvas, region, { color: ink, opacity: 0.35, shape: disc(x, y + 0.15 * radius, 1.4 * radius) })
  paint(canvas, region, { color: white, shape: disc(x, y, 1.25 * radius) })
  paint(canvas, region, { color: pointColor[label], shape: disc(x, y, radius) })
  paint(canvas, region, {
    color: white,
    shape: label === 'background' ? minus : (px, py) => Math.min(minus(px, py), plus(px, py))
  })
}
