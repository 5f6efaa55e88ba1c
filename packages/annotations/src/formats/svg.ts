import { distinctColor } from '@sam/core'
import { brief, type Refuse } from '@sam/core/graph'
import type { Position, Ring } from '@sam/core/model'
import { categoryOf, type AnnotatedObject, type ImageInfo } from '../annotated-image.js'
import { failingIn, readCategory, readName, readScore, readSize } from '../fail.js'
import { readEach, type Format } from '../format.js'
import { numberIds, withUniqueIds } from '../ids.js'
import { textBytes } from '../json.js'
import { openRing } from '../keyhole.js'
import { maskOfPolygons } from '../mask-shapes.js'
import { outlines } from '../outlines.js'
import { outputStems } from '../output-names.js'
import { escapeXml, readXml, rootOf, type XmlElement } from '../xml.js'

/**
 * SVG: one file per image, one path per object in pixels of the image, holes by the even-odd rule. Reads what it wrote,
 * also where the colours were changed; other shapes and curves are refused.
 */
export const svg: Format = {
  title: 'SVG',
  fileNames: /\.svg$/i,
  matches: files => [...files.values()].every(bytes => rootOf(bytes) === 'svg'),
  read: readEach((file, bytes, reading) => {
    const fail = failingIn(file)
    const root = readXml(bytes, fail)
    if (root.name !== 'svg') fail(`the root element must be <svg>, found <${brief(root.name)}>`)
    const { width, height, 'data-file': name, 'data-id': id } = root.attributes
    const info = { file: readName(name, 'data-file', fail), ...readSize(Number(width), Number(height), fail) }
    const objects = root.children.flatMap((element, i) => {
      if (element.name === 'title' || element.name === 'image') return []
      const object = reading.attempt(() =>
        readPath(element, { info, at: i, fail: failingIn(file, `element ${i + 1}`) })
      )
      return object ? [object] : []
    })
    return { id, ...info, objects: withUniqueIds(objects) }
  }),
  write(images, options) {
    const stems = outputStems(images)
    return new Map(
      images.map((image, i) => {
        const shapes = outlines(image, options)
        const { id, file, width, height, objects } = image
        const numbers = numberIds(objects.map(object => object.id))
        return [
          `${stems[i]}.svg`,
          textBytes(
            [
              `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
                `height="${height}"${attributes({ 'data-file': file, 'data-id': id })}>`,
              ...objects.map((object, k) => pathOf(object, shapes[k].flat(), numbers[k])),
              '</svg>',
              ''
            ].join('\n')
          )
        ]
      })
    )
  }
}

const attributes = (values: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('')

function pathOf(object: AnnotatedObject, rings: readonly Ring[], number: number): string {
  const { id, category, score, crowd } = object
  const d = rings
    .map(
      ring =>
        `M${openRing(ring)
          .map(([x, y]) => `${x} ${y}`)
          .join('L')}Z`
    )
    .join('')
  const own = attributes({
    'data-id': id,
    'data-category': category,
    'data-score': score,
    'data-crowd': crowd ? 'true' : undefined
  })
  const color = `rgb(${distinctColor(number - 1).join(' ')})`
  return `  <path fill="${color}" fill-rule="evenodd"${own} d="${d}"><title>${escapeXml(categoryOf(object))}</title></path>`
}

function readPath(
  { name, attributes }: XmlElement,
  { info, at, fail }: { info: ImageInfo; at: number; fail: Refuse }
): AnnotatedObject {
  if (name !== 'path') fail(`an object must be a <path>, found <${brief(name)}>`)
  if (attributes.transform !== undefined) fail('a path must not have a transform; apply it to the positions')
  return {
    id: attributes['data-id'] ?? String(at + 1),
    mask: maskOfPolygons([readRings(attributes.d ?? '', fail)], info, fail),
    category: readCategory(attributes['data-category']),
    score: readScore(attributes['data-score'], fail),
    ...(attributes['data-crowd'] === 'true' && { crowd: true })
  }
}

/** Rings of absolute M, L and Z, without curves. */
function readRings(d: string, fail: Refuse): Ring[] {
  const rings = d.split(/[Zz]/)
  if (rings.pop()!.trim() !== '') fail('a path must end with Z')
  return rings.map(ring => {
    const [before, ...positions] = ring.split(/[ML]/)
    if (before.trim() !== '' || !/^\s*M/.test(ring)) fail('a path must consist of M, L and Z with absolute positions')
    return positions.map((text): Position => {
      const [x, y, ...more] = text
        .trim()
        .split(/[\s,]+/)
        .map(Number)
      if (more.length || !Number.isFinite(x) || !Number.isFinite(y))
        fail('a path must consist of M, L and Z with absolute positions')
      return [x, y]
    })
  })
}
