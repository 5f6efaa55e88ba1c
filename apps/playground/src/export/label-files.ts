import { encode } from 'fast-png'
import { labelMap } from '@sam/core'
import { categoryOf, type ExportPicture } from './export-picture.js'
import { stemOf } from './names.js'

/**
 * The label map of a picture as a PNG: 0 is the background, n the n-th object; where objects overlap, the smaller one.
 * 8 bits with the objects' colours as palette, or 16 bits in grey for more than 255 objects. And a table of the numbers
 * as CSV.
 */
export function labelFiles({ file, objects }: ExportPicture): Map<string, Uint8Array> {
  const { width, height, data } = labelMap(
    objects.map(({ mask }) => mask),
    { prefer: 'smallest' }
  )
  const palette = [[0, 0, 0], ...objects.map(({ color }) => rgbOf(color))]
  const png =
    objects.length < 256
      ? encode({ width, height, data: Uint8Array.from(data), channels: 1, depth: 8, palette })
      : encode({ width, height, data, channels: 1, depth: 16 })
  const rows = objects.map((object, i) => [i + 1, object.name, categoryOf(object) ?? ''].map(csvCell).join(','))
  const stem = stemOf(file)
  return new Map([
    [`${stem}-labels.png`, png],
    [`${stem}-labels.csv`, new TextEncoder().encode(['value,object,category', ...rows, ''].join('\n'))]
  ])
}

const csvCell = (value: string | number): string =>
  /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)

/** `#rrggbb` or `rgb(r g b)` as numbers. */
const rgbOf = (color: string): number[] =>
  color.startsWith('#')
    ? [1, 3, 5].map(at => Number.parseInt(color.slice(at, at + 2), 16))
    : (color.match(/\d+/g) ?? []).slice(0, 3).map(Number)
