import { refuse } from '../errors.js'
import type { MaskNode } from '../automatic/tree.js'
import type { Rgb, RgbImage } from '../image/image.js'
import type { Box } from '../masks/box.js'
import type { LabelMap } from '../masks/label-map.js'
import type { Mask } from '../masks/mask.js'
import { distinctColor } from './colors.js'
import { fillLabels } from './labels.js'
import { clipRegion, disc, outline, paint, rectangle, type Shape } from './paint.js'
import { treeLayers, type Layer } from './tree-layers.js'
import type { MultiPolygon } from '../masks/polygons.js'
import { readOptions } from '../options.js'
import type { Point } from '../prompts/prompt.js'
import { segmentDistance, simplifyPolygons } from '../masks/simplify-polygons.js'

export interface OverlayOptions {
  /** Points to draw: green discs with a plus for foreground, red discs with a minus for background. */
  readonly points?: readonly Point[] | undefined
  readonly boxes?: readonly Box[] | undefined
  /** Colour of the i-th mask, or of the i-th whole of a tree. Default {@link distinctColor}. */
  readonly color?: ((index: number) => Rgb) | undefined
  /** Opacity of the masks' fill, 0 … 1. Default 0.4; of a label map 0.65. */
  readonly opacity?: number | undefined
}

const white: Rgb = [255, 255, 255]
const ink: Rgb = [16, 18, 24]
const pointColor = { foreground: [22, 163, 74], background: [220, 38, 38] } as const

/**
 * Draws masks and prompts over a copy of the photo; `image` is not changed. Line widths scale with the picture.
 *
 * - Masks: translucent fills, large masks below small ones, and crisp outlines with a light halo.
 * - A tree of `maskTree`: the same, in one family of colours per whole. Parts and subparts are lighter and have thinner
 *   outlines.
 * - A label map of `labelMap`: flat fills with thin borders. Label n has the colour of the n-th mask.
 *
 * Throws `E_BAD_IMAGE` for a mask or label map of another size, `E_BAD_OPTION` for an unknown option.
 */
export function overlay(
  image: RgbImage,
  masks: readonly Mask[] | readonly MaskNode<{ readonly mask: Mask }>[] | LabelMap,
  options: OverlayOptions = {}
): RgbImage {
  const names = { points: true, boxes: true, color: true, opacity: true } as const
  const { points = [], boxes = [], color = distinctColor, opacity } = readOptions('overlay', options, names)
  const canvas = { ...image, data: new Uint8Array(image.data) } // not slice(): on a Buffer it shares memory
  const unit = Math.max(1, Math.max(image.width, image.height) / 900)

  if ('data' in masks) {
    checkSize(masks, image)
    fillLabels(canvas, masks, { color, opacity: opacity ?? 0.65, line: Math.round(unit) })
  } else {
    const layers = layersOf(masks, color)
    for (const { mask } of layers) checkSize(mask, image)
    const areas = new Map(layers.map(layer => [layer, layer.mask.area]))
    layers.sort((a, b) => areas.get(b)! - areas.get(a)!)
    for (const { mask, color } of layers) fill(canvas, mask, { color, opacity: opacity ?? 0.4 })
    for (const { mask, color, width } of layers) stroke(canvas, mask, { color, unit: width * unit })
  }
  for (const box of boxes) frame(canvas, box, unit)
  for (const point of points) badge(canvas, point, unit)
  return canvas
}

const layersOf = (
  masks: readonly Mask[] | readonly MaskNode<{ readonly mask: Mask }>[],
  color: (index: number) => Rgb
): Layer[] => (isTree(masks) ? treeLayers(masks, color) : masks.map((mask, i) => ({ mask, color: color(i), width: 1 })))

const isTree = <T>(masks: readonly Mask[] | readonly MaskNode<T>[]): masks is readonly MaskNode<T>[] =>
  masks.length > 0 && 'children' in masks[0]

function checkSize({ width, height }: Mask | LabelMap, image: RgbImage): void {
  if (width !== image.width || height !== image.height)
    refuse(
      'E_BAD_IMAGE',
      `overlay: masks must have the size of the photo, ${image.width} × ${image.height}, found ${width} × ${height}`
    )
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
