import type { Position } from '../document/project.js'

/** Transform from picture to canvas, in CSS pixels: screen = picture × scale + (x, y). */
export interface View {
  readonly scale: number
  readonly x: number
  readonly y: number
}

interface Size {
  readonly width: number
  readonly height: number
}

/** Space around the fitted picture, in CSS pixels. */
export interface Margins {
  readonly top: number
  readonly bottom: number
  readonly side: number
}

/** Fits the picture into the canvas, centred, with a margin, at a scale of at most 4. */
export function fit(picture: Size, canvas: Size, margin: Margins): View {
  const [width, height] = [
    Math.max(1, canvas.width - 2 * margin.side),
    Math.max(1, canvas.height - margin.top - margin.bottom)
  ]
  const scale = Math.min(width / picture.width, height / picture.height, 4)
  return { scale, x: (canvas.width - picture.width * scale) / 2, y: margin.top + (height - picture.height * scale) / 2 }
}

/**
 * Zooms by a factor around a fixed screen position. The scale is clamped to 0.02 … 64 CSS pixels per picture pixel.
 */
export function zoom(view: View, factor: number, [x, y]: Position): View {
  const scale = Math.max(0.02, Math.min(64, view.scale * factor))
  const real = scale / view.scale
  return { scale, x: x - (x - view.x) * real, y: y - (y - view.y) * real }
}

export const pan = (view: View, dx: number, dy: number): View => ({ ...view, x: view.x + dx, y: view.y + dy })

/** Keeps part of the picture on the canvas. */
export function held(view: View, picture: Size, canvas: Size): View {
  const hold = (at: number, length: number, room: number): number =>
    Math.max(Math.min(48, room / 2) - length, Math.min(room - Math.min(48, room / 2), at))
  return {
    ...view,
    x: hold(view.x, picture.width * view.scale, canvas.width),
    y: hold(view.y, picture.height * view.scale, canvas.height)
  }
}

export const toPicture = ({ scale, x, y }: View, [sx, sy]: Position): Position => [(sx - x) / scale, (sy - y) / scale]

export const toScreen = ({ scale, x, y }: View, [px, py]: Position): Position => [px * scale + x, py * scale + y]

export const isInside = ([x, y]: Position, { width, height }: Size): boolean =>
  x >= 0 && y >= 0 && x <= width && y <= height

/** The nearest position in the picture. */
export const clampTo = ([x, y]: Position, { width, height }: Size): Position => [
  Math.max(0, Math.min(width, x)),
  Math.max(0, Math.min(height, y))
]
