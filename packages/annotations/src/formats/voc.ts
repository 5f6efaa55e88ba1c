import { labelMap, Mask } from '@sam/core'
import { refuse, type Refuse } from '@sam/core/graph'
import { categoriesOf, categoryOf, type AnnotatedImage, type AnnotatedObject, type Files } from '../annotated-image.js'
import { failingIn } from '../fail.js'
import type { Format, Reading, WriteOptions } from '../format.js'
import { numberIds } from '../ids.js'
import { textBytes } from '../json.js'
import { nameLineLimit } from '../limits.js'
import { lastPart, relativeName } from '../names.js'
import { outputStems } from '../output-names.js'
import { readPng, writePng, type LabelPng } from '../png.js'

/**
 * The label images of Pascal VOC: `SegmentationClass/NAME.png` and `SegmentationObject/NAME.png` with VOC's palette,
 * where the index is the class or the object, 0 is background and 255 is void; `labelmap.txt` with the names of the
 * classes, as CVAT and Datumaro write it; and the list of names. There is one object per pixel: the option `prefer`
 * says which. Without `SegmentationObject`, each class of an image is one object.
 */
export const voc: Format = {
  title: 'Pascal VOC',
  fileNames: /(?:^|\/)(?:Segmentation(?:Class|Object)\/[^/]+\.png|labelmap\.txt)$/i,
  matches: files => [...files.keys()].some(isLabelImage),
  async read(files, reading) {
    const classes = classNames(files)
    const pictures = new Map<string, { class?: LabelPng; object?: LabelPng }>()
    for (const [file, bytes] of files) {
      if (!isLabelImage(file)) continue
      const kind = /SegmentationClass\/[^/]+$/i.test(file) ? 'class' : 'object'
      const stem = lastPart(file).replace(/\.png$/i, '')
      const fail = failingIn(file)
      const picture = indexed(await readPng(bytes, fail), fail)
      pictures.set(stem, { ...pictures.get(stem), [kind]: picture })
    }
    const images: AnnotatedImage[] = []
    for (const [stem, picture] of pictures) {
      await reading.pause()
      images.push(await imageOf({ stem, ...picture, classes }, reading))
    }
    return images
  },
  write(images, options) {
    const names = categoriesOf(images)
    if (names.length > mostIndices)
      refuse('E_BAD_OPTION', `VOC has at most ${mostIndices} classes, found ${names.length}; choose another format`)
    const stems = outputStems(images, file => lastPart(relativeName(file)))
    const files = new Map([
      ['labelmap.txt', textBytes(labelMapText(names))],
      ['ImageSets/Segmentation/default.txt', textBytes(stems.map(stem => `${stem}\n`).join(''))]
    ])
    images.forEach((image, i) => {
      const { objects, classes } = labelPictures(image, names, options)
      files.set(`SegmentationClass/${stems[i]}.png`, writePng(classes))
      files.set(`SegmentationObject/${stems[i]}.png`, writePng(objects))
    })
    return files
  }
}

const isLabelImage = (name: string): boolean => /Segmentation(?:Class|Object)\/[^/]+\.png$/i.test(name)

/** The largest index of a class or object. */
const mostIndices = 254
const voidIndex = 255

/** VOC's palette: the bits of the index, three at a time, are the upper bits of red, green and blue. */
const palette = Array.from({ length: 256 }, (_, index) =>
  [0, 1, 2].map(channel => {
    let value = 0
    for (let bit = 0; bit < 8; bit++) value |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
    return value
  })
)

/** The classes of VOC 2012, for label images without `labelmap.txt`. */
const vocClasses =
  'aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep ' +
  'sofa train tvmonitor'

const colorKey = (color: readonly number[]): string => color.join(',')

/**
 * A picture of indices, one per pixel: colours become VOC's indices; a colour that is not in the palette, as CVAT has
 * for classes, an index that is free.
 */
function indexed(picture: LabelPng, fail: Refuse): LabelPng {
  if (picture.channels === 1) return picture
  const { width, height, data } = picture
  const colorAt = (pixel: number): number => (data[3 * pixel] << 16) | (data[3 * pixel + 1] << 8) | data[3 * pixel + 2]
  const own = palette.map(([r, g, b]) => (r << 16) | (g << 8) | b)
  const indices = new Map<number, number>()
  for (let pixel = 0; pixel < width * height; pixel++) {
    const color = colorAt(pixel)
    if (!indices.has(color)) indices.set(color, own.indexOf(color))
    if (indices.size > 256) fail('a label image may have 256 colours, found more')
  }
  const taken = new Set(indices.values())
  const free = [...own.keys()].filter(index => index > 0 && index < voidIndex && !taken.has(index)).values()
  for (const [color, index] of indices)
    if (index < 0) indices.set(color, free.next().value ?? fail('a label image may have 254 objects, found more'))
  const colors = palette.map(color => color)
  for (const [color, index] of indices) colors[index] = [color >> 16, (color >> 8) & 255, color & 255]
  const out = Uint8Array.from({ length: width * height }, (_, pixel) => indices.get(colorAt(pixel))!)
  return { ...picture, data: out, palette: colors }
}

const labelMapText = (names: readonly string[]): string =>
  [
    '# label:color_rgb:parts:actions',
    ...['background', ...names].map((name, i) => `${name}:${colorKey(palette[i])}::`),
    ''
  ].join('\n')

/** The name of a class by its index, and by its colour. */
interface ClassNames {
  readonly byIndex: readonly string[]
  readonly byColor: ReadonlyMap<string, string>
}

function classNames(files: Files): ClassNames {
  const text = [...files].find(([name]) => /labelmap\.txt$/i.test(name))?.[1]
  if (!text) return { byIndex: ['background', ...vocClasses.split(' ')], byColor: new Map() }
  const found = new TextDecoder()
    .decode(text)
    .split(/\r?\n/)
    .filter(line => line.length <= nameLineLimit)
    .flatMap(line => {
      const [, name, color] = /^(.+):((?:\d+,\d+,\d+)?):[^:]*:[^:]*$/.exec(line) ?? []
      return name === undefined ? [] : [[color, name] as const]
    })
  // The position of a line is its index where the palette is VOC's.
  return { byIndex: found.map(([, name]) => name), byColor: new Map(found.filter(([color]) => color !== '')) }
}

async function imageOf(
  {
    stem,
    class: classPng,
    object: objectPng,
    classes
  }: { stem: string; class?: LabelPng; object?: LabelPng; classes: ClassNames },
  reading: Reading
): Promise<AnnotatedImage> {
  const fail = failingIn(`${stem}.png`)
  const picture = objectPng ?? classPng!
  const { width, height } = picture
  if (classPng && (classPng.width !== width || classPng.height !== height))
    fail(
      `the label images must have one size, found ${classPng.width} × ${classPng.height} for the classes and ` +
        `${width} × ${height} for the objects`
    )
  const info = (await reading.findImage(stem)) ?? { file: `${stem}.jpg`, width, height }
  if (info.width !== width || info.height !== height)
    fail(
      `the label images must have the size of their image, ${info.width} × ${info.height}, found ${width} × ${height}`
    )
  const found = surveyOf(picture, classPng?.data)
  const objects = [...found].map(([index, { runs, classes: areas }]): AnnotatedObject => {
    const mask = new Mask({ width, height, inside: Int32Array.from(runs) })
    const most = Math.max(...areas)
    const own = objectPng ? (most ? areas.indexOf(most) : 0) : index
    return { id: String(index), mask, category: own ? classOf(own, classPng, classes) : undefined }
  })
  return { ...info, objects: objects.sort((a, b) => Number(a.id) - Number(b.id)) }
}

/** The pixels of each index besides background and void, as runs, and how many of them have each class. */
function surveyOf(
  { width, height, data }: LabelPng,
  classes: Uint8Array | undefined
): ReadonlyMap<number, { readonly runs: number[]; readonly classes: number[] }> {
  const found = new Map<number, { runs: number[]; classes: number[] }>()
  for (let y = 0; y < height; y++) {
    const row = y * width
    for (let x = 0; x < width; ) {
      const [start, index] = [x, data[row + x]]
      while (x < width && data[row + x] === index) x++
      if (index === 0 || index === voidIndex) continue
      const own = found.get(index) ?? { runs: [], classes: new Array<number>(256).fill(0) }
      found.set(index, own)
      own.runs.push(y, start, x)
      if (classes) for (let at = row + start; at < row + x; at++) own.classes[classes[at]]++
    }
  }
  for (const { classes } of found.values()) classes[0] = classes[voidIndex] = 0
  return found
}

/** The name of a class by its colour; in a picture with a palette or grey values also by its index. */
function classOf(index: number, picture: LabelPng | undefined, { byIndex, byColor }: ClassNames): string {
  const color = picture?.palette?.[index]
  const named = color && byColor.get(colorKey(color))
  return named ?? (picture?.channels === 3 && byColor.size ? undefined : byIndex[index]) ?? String(index)
}

function labelPictures(
  { file, width, height, objects }: AnnotatedImage,
  names: readonly string[],
  { prefer }: WriteOptions
): { objects: Parameters<typeof writePng>[0]; classes: Parameters<typeof writePng>[0] } {
  if (objects.length > mostIndices) tooMany(file, objects.length)
  const ids = [
    0,
    ...numberIds(
      objects.map(({ id }) => id),
      mostIndices
    )
  ]
  const classes = [0, ...objects.map(object => names.indexOf(categoryOf(object)) + 1)]
  const labels = objects.length
    ? labelMap(
        objects.map(({ mask }) => mask),
        prefer && { prefer }
      ).data
    : new Uint16Array(width * height)
  const picture = (indices: readonly number[]) => {
    const data = new Uint8Array(labels.length)
    for (let at = 0; at < data.length; at++) data[at] = indices[labels[at]]
    return { width, height, data, palette }
  }
  return { objects: picture(ids), classes: picture(classes) }
}

const tooMany = (file: string, found: number): Refuse =>
  refuse(
    'E_BAD_OPTION',
    `'${file}': VOC has at most ${mostIndices} objects per image, found ${found}; choose another format`
  )
