import type { Rgb } from '../image/image.js'

/** Distinct colours for any number of masks: hues spaced by the golden angle, starting at blue. */
export const distinctColor = (index: number): Rgb => {
  const hue = (210 + index * 137.508) % 360
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12
    return Math.round(255 * (0.55 - 0.43 * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

/** A colour mixed with white: 0 is the colour, 1 is white. */
export const lighter = (color: Rgb, share: number): Rgb => {
  const [red, green, blue] = color.map(value => Math.round(value + (255 - value) * share))
  return [red, green, blue]
}
