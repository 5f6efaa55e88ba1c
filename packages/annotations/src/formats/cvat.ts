import type { Mask, MultiPolygon } from '@sam/core'
import { brief, shown, type Refuse } from '@sam/core/graph'
import {
  categoriesOf,
  categoryOf,
  type AnnotatedImage,
  type AnnotatedObject,
  type ImageInfo
} from '../annotated-image.js'
import { failingIn, readCategory, readName, readScore, readSize } from '../fail.js'
import type { Format, WriteOptions } from '../format.js'
import { joinParts, type ObjectPart } from '../grouped.js'
import { numberIds, withUniqueIds } from '../ids.js'
import { textBytes } from '../json.js'
import { keyhole } from '../keyhole.js'
import { maskOfPixels, maskOfPolygons, ringOfNumbers, visitBoxPixels } from '../mask-shapes.js'
import { outlines } from '../outlines.js'
import { childrenNamed, escapeXml, readXml, rootOf, type XmlElement } from '../xml.js'

/**
 * CVAT for images 1.1: one XML file with masks (run lengths in the bounding box) or polygons. The shapes of an object
 * share a `group_id`; a polygon with holes has cuts ({@link keyhole}). The score is an attribute of the shape.
 */
export const cvat: Format = {
  title: 'CVAT for images 1.1',
  fileNames: /\.xml$/i,
  matches: files => [...files.values()].every(bytes => rootOf(bytes) === 'annotations'),
  async read(files, reading) {
    const images: AnnotatedImage[] = []
    for (const [file, bytes] of files) {
      const fail = failingIn(file)
      const root = readXml(bytes, fail)
      if (root.name !== 'annotations') fail(`the root element must be <annotations>, found <${brief(root.name)}>`)
      if (childrenNamed(root, 'track').length) fail('it must be CVAT for images, found tracks of a video; export it so')
      for (const element of childrenNamed(root, 'image')) {
        await reading.pause()
        const { id, name, width, height } = element.attributes
        const info = {
          file: readName(name, 'the name of an image', fail),
          ...readSize(toNumber(width), toNumber(height), fail)
        }
        const parts = element.children.flatMap((shape, i) => {
          const failShape = failingIn(file, `${info.file}, shape ${i + 1}`)
          const part = reading.attempt(() => readShape(shape, info, failShape))
          return part ? [part] : []
        })
        images.push({ id, ...info, objects: withUniqueIds(joinParts(parts)) })
      }
    }
    return images
  },
  write: (images, options) => new Map([['annotations.xml', textBytes(xmlOf(images, options))]])
}

const toNumber = (text: string | undefined): number => (text === undefined || text.trim() === '' ? NaN : Number(text))

function readShape(shape: XmlElement, info: ImageInfo, fail: Refuse): ObjectPart {
  const { label, group_id: group = '0' } = shape.attributes
  const attribute = childrenNamed(shape, 'attribute').find(({ attributes }) => attributes.name === 'score')
  const grouped = group !== '0' && group !== ''
  return {
    key: grouped ? JSON.stringify([label, group]) : undefined,
    id: grouped ? group : undefined,
    mask: maskIn(shape, info, fail),
    category: readCategory(label),
    score: readScore(attribute?.text, fail)
  }
}

function maskIn({ name, attributes }: XmlElement, info: ImageInfo, fail: Refuse): Mask {
  if (name === 'polygon') {
    const numbers = (attributes.points ?? '').split(/[;,]/).map(toNumber)
    return maskOfPolygons([[ringOfNumbers(numbers, fail)]], info, fail)
  }
  if (name !== 'mask') return fail(`a shape must be a polygon or a mask, found <${brief(name)}>`)
  const [left, top, width, height] = ['left', 'top', 'width', 'height'].map(key => toNumber(attributes[key]))
  if (![left, top].every(Number.isInteger)) fail(`left and top of a mask must be whole numbers, found ${left}, ${top}`)
  readSize(width, height, fail)
  const counts = (attributes.rle ?? '').split(',').map(toNumber)
  let sum = 0
  for (const count of counts) {
    if (!Number.isInteger(count) || count < 0) fail(`run lengths must be whole numbers from 0, found ${shown(count)}`)
    sum += count
  }
  if (sum !== width * height) fail(`run lengths must add up to width × height = ${width * height}, found ${sum}`)
  const mask = maskOfPixels(info, { left, top, width }, add => {
    let at = 0
    for (const [i, count] of counts.entries()) {
      if (i % 2) add(at, at + count)
      at += count
    }
  })
  return mask.area ? mask : fail('a mask must have pixels inside its image, found none')
}

function xmlOf(images: readonly AnnotatedImage[], options: WriteOptions): string {
  const hasScores = images.some(({ objects }) => objects.some(({ score }) => score !== undefined))
  const labels = categoriesOf(images).map(name => [
    `        <label>`,
    `          <name>${escapeXml(name)}</name>`,
    ...(hasScores
      ? [
          '          <attributes><attribute><name>score</name><mutable>False</mutable><input_type>text</input_type>' +
            '<default_value></default_value><values></values></attribute></attributes>'
        ]
      : []),
    `        </label>`
  ])
  const ids = imageIds(images)
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<annotations>',
    '  <version>1.1</version>',
    '  <meta>',
    '    <task>',
    '      <labels>',
    ...labels.flat(),
    '      </labels>',
    '    </task>',
    '  </meta>',
    ...images.flatMap((image, i) => imageLines(image, ids[i], options)),
    '</annotations>',
    ''
  ].join('\n')
}

/** CVAT counts images from 0. */
const imageIds = (images: readonly AnnotatedImage[]): number[] =>
  images.some(({ id }) => id === '0')
    ? numberIds(images.map(({ id }) => (id && /^\d+$/.test(id) ? String(Number(id) + 1) : undefined))).map(id => id - 1)
    : numberIds(images.map(({ id }) => id))

function imageLines(image: AnnotatedImage, id: number, options: WriteOptions): string[] {
  const { file, width, height, objects } = image
  const shapes = options.shapes === 'polygon' ? outlines(image, options) : undefined
  const groups = numberIds(objects.map(object => object.id))
  return [
    `  <image id="${id}" name="${escapeXml(file)}" width="${width}" height="${height}">`,
    ...objects.flatMap((object, i) =>
      (shapes ? polygonTags(shapes[i]) : [maskTag(object.mask)]).map(([name, own]) => {
        const tag =
          `<${name} label="${escapeXml(categoryOf(object))}" source="auto" occluded="0" ${own} z_order="0" ` +
          `group_id="${groups[i]}">`
        return `    ${tag}${scoreTag(object)}</${name}>`
      })
    ),
    '  </image>'
  ]
}

const scoreTag = ({ score }: AnnotatedObject): string =>
  score === undefined ? '' : `<attribute name="score">${score}</attribute>`

const polygonTags = (polygons: MultiPolygon): [name: string, attributes: string][] =>
  polygons.map(rings => [
    'polygon',
    `points="${keyhole(rings)
      .map(([x, y]) => `${x},${y}`)
      .join(';')}"`
  ])

function maskTag(mask: Mask): [name: string, attributes: string] {
  const [x0, y0, x1, y1] = mask.boxXyxy
  const counts: number[] = []
  let at = 0
  visitBoxPixels(mask, (start, end) => {
    // Runs of rows that follow each other without a gap are one.
    if (counts.length && start === at) counts[counts.length - 1] += end - start
    else counts.push(start - at, end - start)
    at = end
  })
  if (at < (x1 - x0) * (y1 - y0)) counts.push((x1 - x0) * (y1 - y0) - at)
  return ['mask', `rle="${counts.join(', ')}" left="${x0}" top="${y0}" width="${x1 - x0}" height="${y1 - y0}"`]
}
