import type { NamedObject } from './coco.js'

/**
 * One path per object, holes by the even-odd rule, in image pixels, simplified with a tolerance of half a pixel.
 */
export function svg(
  objects: readonly NamedObject[],
  { width, height }: { readonly width: number; readonly height: number }
): string {
  const paths = objects.map(({ name, color, mask }) => {
    const rings = mask.toPolygons({ simplify: 0.5 }).flat()
    const d = rings
      .map(
        ring =>
          `M${ring
            .slice(0, -1)
            .map(([x, y]) => `${x} ${y}`)
            .join('L')}Z`
      )
      .join('')
    return `  <path fill="${escape(color)}" fill-rule="evenodd" d="${d}"><title>${escape(name)}</title></path>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    ...paths,
    '</svg>',
    ''
  ].join('\n')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Escapes XML, and drops the control characters that XML does not allow. */
const escape = (text: string): string =>
  text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '').replace(/[&<>"]/g, c => entities[c])
