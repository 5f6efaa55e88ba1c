/** Transform from image to canvas, in CSS pixels: screen = image × scale + (x, y). */
export interface View {
  readonly scale: number
  readonly x: number
  readonly y: number
}

interface Size {
  readonly width: number
  readonly height: number
}
type Position = readonly [number, number]

/** Space around the fitted image, in CSS pixels. `floor`: height of the toolbar over the bottom of the canvas. */
export const margins = (floor: number) => ({ top: 52, bottom: floor + 20, side: 20 })

/** Fits the image into the canvas, centred, with a margin, at a scale of at most 4. */
export function fit(image: Size, canvas: Size, margin: { top: number; bottom: number; side: number }): View {
  const [width, height] = [
    Math.max(1, canvas.width - 2 * margin.side),
    Math.max(1, canvas.height - margin.top - margin.bottom)
  ]
  const scale = Math.min(width / image.width, height / image.height, 4)
  return { scale, x: (canvas.width - image.width * scale) / 2, y: margin.top + (height - image.height * scale) / 2 }
}

/**
 * Zooms by a factor around a fixed screen position. The scale is clamped to 0.05 … 64 CSS pixels per image pixel.
 */
export function zoom(view: View, factor: number, [x, y]: Position): View {
  const scale = Math.max(0.05, Math.min(64, view.scale * factor))
  const real = scale / view.scale
  return { scale, x: x - (x - view.x) * real, y: y - (y - view.y) * real }
}

export const pan = (view: View, dx: number, dy: number): View => ({ ...view, x: view.x + dx, y: view.y + dy })

/** Keeps part of the image on the canvas. */
export function held(view: View, image: Size, canvas: Size): View {
  const hold = (at: number, length: number, room: number): number =>
    Math.max(Math.min(48, room / 2) - length, Math.min(room - Math.min(48, room / 2), at))
  return {
    ...view,
    x: hold(view.x, image.width * view.scale, canvas.width),
    y: hold(view.y, image.height * view.scale, canvas.height)
  }
}

export const toImage = ({ scale, x, y }: View, [sx, sy]: Position): [number, number] => [
  (sx - x) / scale,
  (sy - y) / scale
]

export const isInside = ([x, y]: Position, { width, height }: Size): boolean =>
  x >= 0 && y >= 0 && x <= width && y <= height
