import { refuse, shown } from '../errors.js'
import { checkMaskSize, type Bitmap } from './bitmap.js'
import type { MultiPolygon, Polygon } from './polygons.js'

/**
 * Fills polygons: a pixel is inside if its centre is inside one of them, by the even-odd rule over that polygon's
 * rings. Rings need not repeat their first position. Parts outside the picture are clipped. Throws `E_BAD_PROMPT` for
 * anything but lists of finite numbers.
 */
export function rasterize(polygons: MultiPolygon, { width, height }: { width: number; height: number }): Bitmap {
  checkMaskSize('polygons', { width, height })
  checkPolygons(polygons)
  const data = new Uint8Array(width * height)
  const flips = new Uint8Array(width * height)
  for (const polygon of polygons) {
    markFlips(polygon, { width, height, data: flips })
    const [top, bottom] = rowsOf(polygon, height)
    for (let y = top; y < bottom; y++) {
      let isInside = 0
      for (let at = y * width; at < (y + 1) * width; at++) {
        isInside ^= flips[at]
        flips[at] = 0
        data[at] |= isInside
      }
    }
  }
  return { width, height, data }
}

/** For each row, flips the first pixel whose centre lies right of each crossing of the row's centre line. */
function markFlips(polygon: Polygon, { width, height, data }: Bitmap): void {
  for (const ring of polygon) {
    for (const [i, end] of ring.entries()) {
      const start = ring[(i || ring.length) - 1]
      const [[xa, ya], [xb, yb]] = start[1] < end[1] ? [start, end] : [end, start]
      const last = Math.min(height, Math.ceil(yb - 0.5))
      for (let y = Math.max(0, Math.ceil(ya - 0.5)); y < last; y++) {
        const x = Math.max(0, Math.ceil(xa + (y + 0.5 - ya) * ((xb - xa) / (yb - ya)) - 0.5))
        if (x < width) data[y * width + x] ^= 1
      }
    }
  }
}

function rowsOf(polygon: Polygon, height: number): [number, number] {
  let [top, bottom] = [height, 0]
  for (const ring of polygon) {
    for (const [, y] of ring) {
      top = Math.min(top, Math.floor(y))
      bottom = Math.max(bottom, Math.ceil(y))
    }
  }
  return [Math.max(0, top), Math.min(height, bottom)]
}

function checkPolygons(polygons: unknown): void {
  const list = (value: unknown, what: string): readonly unknown[] => {
    if (Array.isArray(value)) return value
    refuse('E_BAD_PROMPT', `polygons: must be polygons of rings of [x, y], found ${shown(value)} for a ${what}`)
  }
  for (const polygon of list(polygons, 'list of polygons')) {
    for (const ring of list(polygon, 'polygon')) {
      for (const position of list(ring, 'ring')) {
        const [x, y] = list(position, 'position')
        if (Number.isFinite(x) && Number.isFinite(y)) continue
        refuse('E_BAD_PROMPT', `polygons: positions must be two finite numbers, found ${shown(x)}, ${shown(y)}`)
      }
    }
  }
}
