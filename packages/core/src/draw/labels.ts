import { refuse } from '../errors.js'
import type { Rgb, RgbImage } from '../image/image.js'
import type { LabelMap } from '../masks/label-map.js'

const white: Rgb = [255, 255, 255]

/**
 * Blends the colours of a label map over a picture of its size, in place, with a white border of `line` pixels between
 * labels. Label 0 has no colour. Throws `E_BAD_IMAGE` unless the map has one value per pixel.
 */
export function fillLabels(
  canvas: RgbImage,
  { width, height, data }: LabelMap,
  { color, opacity, line }: { color: (index: number) => Rgb; opacity: number; line: number }
): void {
  if (data.length !== width * height)
    refuse('E_BAD_IMAGE', `overlay: a label map must have ${width * height} values, found ${data.length}`)
  const colors = new Map<number, Rgb>()
  const colorOf = (label: number): Rgb => {
    let found = colors.get(label)
    if (!found) colors.set(label, (found = color(label - 1)))
    return found
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      const label = data[at]
      const isBorder =
        (x + line < width && data[at + line] !== label) || (y + line < height && data[at + line * width] !== label)
      if (!isBorder && label === 0) continue
      const [rgb, cover] = isBorder ? [white, 0.9] : [colorOf(label), opacity]
      for (let c = 0; c < 3; c++) {
        const before = canvas.data[at * 3 + c]
        canvas.data[at * 3 + c] = before + (rgb[c] - before) * cover + 0.5
      }
    }
  }
}
