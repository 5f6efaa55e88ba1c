import type { Box, Mask, Point } from '@sam/core'
import type { Position, Stroke } from '../document/project.js'
import type { View } from './view.js'

/** An outline that is drawn in place of a mask's own, in pixels of the picture. */
export interface Outline {
  /** Filled by the even-odd rule. */
  readonly path: Path2D
  /** Vertices x, y, x, y …, which are drawn on the selected object. */
  readonly vertices?: ArrayLike<number> | undefined
}

/** One mask on the canvas. */
export interface ShownMask {
  readonly mask: Mask
  /** Default: {@link pathOf} the mask. */
  readonly outline?: Outline | undefined
  readonly color: string
  /** `active`: the selected object; `preview`: the mask of a click at the pointer; `suggestion`: an automatic mask. */
  readonly as: 'active' | 'other' | 'preview' | 'suggestion' | 'hovered'
}

/** Everything that is drawn. */
export interface Scene {
  readonly image: CanvasImageSource & { readonly width: number; readonly height: number }
  readonly view: View
  readonly masks: readonly ShownMask[]
  readonly points: readonly Point[]
  readonly box?: Box | undefined
  /** The stroke in progress. */
  readonly stroke?: Stroke | undefined
  readonly color: string
  /** Brush, and keyboard crosshair, in picture pixels. */
  readonly brush?: { readonly at: Position; readonly radius: number } | undefined
  readonly cross?: Position | undefined
}

/**
 * Draws the scene at device resolution. Outlines are vectors: sharp at any zoom, with a constant width on the screen.
 */
export function draw(canvas: HTMLCanvasElement, scene: Scene | undefined): void {
  const ratio = devicePixelRatio
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)]
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')!
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, width, height)
  if (!scene) return

  const { view, image } = scene
  context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y)
  context.imageSmoothingEnabled = view.scale * ratio < 5 // show pixels when zoomed in closely
  context.imageSmoothingQuality = 'high'
  context.save()
  context.shadowColor = 'rgb(0 0 0 / 0.28)'
  context.shadowBlur = 28 * ratio
  context.shadowOffsetY = 8 * ratio
  context.drawImage(image, 0, 0)
  context.restore()
  context.save()
  context.beginPath()
  context.rect(0, 0, image.width, image.height)
  context.clip()
  const unit = 1 / view.scale
  for (const mask of scene.masks) drawMask(context, mask, unit)
  if (scene.stroke) drawStroke(context, scene.stroke, scene.color)
  context.restore()
  for (const { as, outline, color } of scene.masks)
    if (as === 'active' && outline?.vertices) drawVertices(context, outline.vertices, { unit, color })
  if (scene.box) drawBox(context, scene.box, { unit, color: scene.color })
  for (const point of scene.points) drawPoint(context, point, unit)
  if (scene.brush) ring(context, { at: scene.brush.at, radius: scene.brush.radius, unit })
  if (scene.cross) drawCross(context, scene.cross, unit)
}

const paths = new WeakMap<Mask, Path2D>()

/**
 * The outline of a mask, in picture pixels, filled by the even-odd rule. Smooth along the logits of a predicted mask;
 * along the pixel edges of any other. Computed once.
 */
export function pathOf(mask: Mask): Path2D {
  let path = paths.get(mask)
  if (!path) {
    path = new Path2D()
    for (const ring of mask.toPolygons({ smooth: mask.lowResLogits !== undefined }).flat()) {
      path.moveTo(...ring[0])
      for (const at of ring) path.lineTo(...at)
      path.closePath()
    }
    paths.set(mask, path)
  }
  return path
}

const looks = {
  active: { fill: 0.42, line: 2.25, halo: 4.5 },
  other: { fill: 0.3, line: 1.5, halo: 3 },
  hovered: { fill: 0.5, line: 2.25, halo: 4.5 },
  suggestion: { fill: 0.22, line: 1.25, halo: 2.5 },
  preview: { fill: 0.26, line: 1.75, halo: 3.5 }
} as const

function drawMask(context: CanvasRenderingContext2D, { mask, outline, color, as }: ShownMask, unit: number): void {
  const path = outline?.path ?? pathOf(mask)
  const { fill, line, halo } = looks[as]
  context.globalAlpha = fill
  context.fillStyle = color
  context.fill(path, 'evenodd')
  context.lineJoin = 'round'
  context.globalAlpha = 0.75
  context.strokeStyle = 'white'
  context.lineWidth = halo * unit
  context.stroke(path)
  context.globalAlpha = 1
  context.strokeStyle = color
  context.lineWidth = line * unit
  if (as === 'preview' || as === 'suggestion') context.setLineDash([5 * unit, 4 * unit])
  context.stroke(path)
  context.setLineDash([])
}

/** Squares that are small enough to be told apart, down to a point on the outline. */
function drawVertices(
  context: CanvasRenderingContext2D,
  vertices: ArrayLike<number>,
  { unit, color }: { readonly unit: number; readonly color: string }
): void {
  let length = 0
  for (let i = 2; i < vertices.length; i += 2)
    length += Math.hypot(vertices[i] - vertices[i - 2], vertices[i + 1] - vertices[i - 1])
  const side = Math.min(6 * unit, length / vertices.length)
  context.beginPath()
  for (let i = 0; i < vertices.length; i += 2)
    context.rect(vertices[i] - side / 2, vertices[i + 1] - side / 2, side, side)
  context.fillStyle = 'white'
  context.fill()
  context.strokeStyle = color
  context.lineWidth = side / 4
  context.stroke()
}

function drawStroke(context: CanvasRenderingContext2D, { line, radius, erase }: Stroke, color: string): void {
  context.globalAlpha = 0.5
  context.strokeStyle = erase ? 'rgb(24 24 27)' : color
  context.lineWidth = 2 * radius
  context.lineCap = context.lineJoin = 'round'
  context.beginPath()
  context.moveTo(...line[0])
  for (const at of line) context.lineTo(...at)
  context.stroke()
  context.globalAlpha = 1
}

/** The corners of a box, in the order of `draggedBox`. */
export const cornersOf = ([x0, y0, x1, y1]: Box): readonly Position[] => [
  [x0, y0],
  [x1, y0],
  [x0, y1],
  [x1, y1]
]

function drawBox(
  context: CanvasRenderingContext2D,
  box: Box,
  { unit, color }: { readonly unit: number; readonly color: string }
): void {
  const [x0, y0, x1, y1] = box
  context.lineJoin = 'round'
  for (const [style, width] of [
    ['rgb(0 0 0 / 0.45)', 4],
    ['white', 2.5]
  ] as const) {
    context.strokeStyle = style
    context.lineWidth = width * unit
    context.strokeRect(x0, y0, x1 - x0, y1 - y0)
  }
  for (const corner of cornersOf(box)) {
    context.beginPath()
    context.arc(...corner, 4.5 * unit, 0, 2 * Math.PI)
    context.fillStyle = 'white'
    context.fill()
    context.strokeStyle = color
    context.lineWidth = 2 * unit
    context.stroke()
  }
}

const pointColor = { foreground: '#16a34a', background: '#dc2626' } as const

function drawPoint(context: CanvasRenderingContext2D, { x, y, label = 'foreground' }: Point, unit: number): void {
  context.save()
  context.shadowColor = 'rgb(0 0 0 / 0.4)'
  context.shadowBlur = 8
  context.beginPath()
  context.arc(x, y, 9 * unit, 0, 2 * Math.PI)
  context.fillStyle = 'white'
  context.fill()
  context.restore()
  context.beginPath()
  context.arc(x, y, 7 * unit, 0, 2 * Math.PI)
  context.fillStyle = pointColor[label]
  context.fill()
  context.strokeStyle = 'white'
  context.lineWidth = 2 * unit
  context.lineCap = 'round'
  context.beginPath()
  context.moveTo(x - 3.5 * unit, y)
  context.lineTo(x + 3.5 * unit, y)
  if (label === 'foreground') {
    context.moveTo(x, y - 3.5 * unit)
    context.lineTo(x, y + 3.5 * unit)
  }
  context.stroke()
}

function ring(
  context: CanvasRenderingContext2D,
  { at, radius, unit }: { readonly at: Position; readonly radius: number; readonly unit: number }
): void {
  for (const [style, width] of [
    ['rgb(0 0 0 / 0.55)', 3.5],
    ['white', 1.5]
  ] as const) {
    context.beginPath()
    context.arc(...at, radius, 0, 2 * Math.PI)
    context.strokeStyle = style
    context.lineWidth = width * unit
    context.stroke()
  }
}

function drawCross(context: CanvasRenderingContext2D, [x, y]: Position, unit: number): void {
  context.lineCap = 'round'
  for (const [style, width] of [
    ['rgb(0 0 0 / 0.6)', 4],
    ['white', 2]
  ] as const) {
    context.strokeStyle = style
    context.lineWidth = width * unit
    context.beginPath()
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1]
    ]) {
      context.moveTo(x + 5 * dx * unit, y + 5 * dy * unit)
      context.lineTo(x + 14 * dx * unit, y + 14 * dy * unit)
    }
    context.stroke()
  }
}
