import { parse, stringify } from 'yaml'
import { shown, type Refuse } from '@sam/core/graph'
import { categoriesOf, categoryOf, type AnnotatedImage, type AnnotatedObject, type Files } from '../annotated-image.js'
import { failingIn, readCategory } from '../fail.js'
import { findImage } from '../find-image.js'
import type { Format } from '../format.js'
import { isObject, textBytes } from '../json.js'
import { keyhole } from '../keyhole.js'
import { nameLineLimit, settingsByteLimit, yamlAliasLimit } from '../limits.js'
import { maskOfPolygons } from '../mask-shapes.js'
import { relativeName, stemOf } from '../names.js'
import { outlines, rounded } from '../outlines.js'
import { outputStems } from '../output-names.js'

/**
 * YOLO segmentation, as Ultralytics reads it: `data.yaml` with the names of the classes, and for each image a file
 * below `labels/` with one line per object: the class and one ring, in fractions of the image. `train.txt` lists the
 * images. The files have no sizes: the reader needs `findImage`. An object of several parts, or with holes, is one ring
 * with cuts ({@link keyhole}).
 */
export const yolo: Format = {
  title: 'YOLO segmentation',
  fileNames: /(?:\.txt|\.ya?ml)$/i,
  matches: files => [...files.keys()].some(name => isYaml(name) || isLabel(name)),
  async read(files, reading) {
    const names = namesIn(files)
    const listed = new Map(listedImages(files).map(image => [stemOf(image), image]))
    const labels = new Map(
      [...files.keys()].filter(isLabel).map(name => [stemOf(name.replace(/^(?:.*\/)?labels\//, '')), name])
    )
    const images: AnnotatedImage[] = []
    for (const stem of new Set([...listed.keys(), ...labels.keys()])) {
      await reading.pause()
      const label = labels.get(stem)
      const fail = failingIn(label ?? listed.get(stem)!)
      const info = await findImage(listed.get(stem) ?? stem, reading, fail)
      const lines = label === undefined ? [] : textOf(files.get(label)!, fail).split('\n')
      const objects = lines.flatMap((line, i) => {
        if (line.trim() === '') return []
        const object = reading.attempt(() => {
          const failLine = failingIn(label!, `line ${i + 1}`)
          const { index, values, score } = readLine(line, failLine)
          const ring = Array.from(
            { length: values.length / 2 },
            (_, k) => [values[2 * k] * info.width, values[2 * k + 1] * info.height] as const
          )
          const category = names.get(index) ?? String(index)
          return { id: String(i + 1), mask: maskOfPolygons([[ring]], info, failLine), category, score }
        })
        return object ? [object] : []
      })
      images.push({ ...info, objects })
    }
    return images
  },
  write(images, options) {
    const names = categoriesOf(images)
    const stems = outputStems(images, imageName)
    const files = new Map([
      [
        'data.yaml',
        textBytes(stringify({ train: 'train.txt', val: 'train.txt', names: Object.fromEntries(names.entries()) }))
      ],
      ['train.txt', textBytes(images.map(({ file }) => `./images/${imageName(file)}\n`).join(''))]
    ])
    images.forEach((image, i) => {
      const shapes = outlines(image, options)
      const line = (object: AnnotatedObject, k: number): string =>
        [
          names.indexOf(categoryOf(object)),
          ...keyhole(shapes[k].flat()).flatMap(([x, y]) => [rounded(x / image.width, 9), rounded(y / image.height, 9)])
        ].join(' ')
      files.set(`labels/${stems[i]}.txt`, textBytes(image.objects.map((o, k) => `${line(o, k)}\n`).join('')))
    })
    return files
  }
}

const isYaml = (name: string): boolean => /\.ya?ml$/i.test(name)
const isLabel = (name: string): boolean => /^(?:.*\/)?labels\/.*\.txt$/i.test(name)

/** The name of an image below the folder `images`. */
const imageName = (file: string): string => relativeName(file).replace(/^images\//, '')

/** The images that lists beside the labels name: `train.txt`, `val.txt` … */
const listedImages = (files: Files): string[] =>
  [...files]
    .filter(([name]) => !isYaml(name) && !isLabel(name))
    .flatMap(([name, bytes]) => textOf(bytes, failingIn(name)).split('\n'))
    .filter(line => line.length <= nameLineLimit)
    .map(line => line.trim())
    .filter(line => /(?:^|\/)images\/.*\.\w+$/.test(line))
    .map(line => relativeName(line.replace(/^.*?(?:^|\/)images\//, '')))

/** The names of the classes by index: `names` of data.yaml, a list or a map. */
function namesIn(files: Files): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const [file, bytes] of files) {
    if (!isYaml(file)) continue
    const fail = failingIn(file)
    if (bytes.length > settingsByteLimit) fail(`it may have ${settingsByteLimit} bytes, found ${bytes.length}`)
    let yaml: unknown
    try {
      yaml = parse(textOf(bytes, fail), { maxAliasCount: yamlAliasLimit, schema: 'core', logLevel: 'error' })
    } catch (cause) {
      fail(`it must be YAML (${(cause as Error).message})`, cause)
    }
    const given = isObject(yaml) ? yaml.names : undefined
    if (given === undefined || given === null) continue
    if (typeof given !== 'object') fail(`'names' must be a list or a map of class names, found ${shown(given)}`)
    for (const [key, value] of Object.entries(given)) {
      const name = readCategory(typeof value === 'number' ? String(value) : value)
      if (/^\d+$/.test(key) && name !== undefined) names.set(Number(key), name)
    }
  }
  return names
}

/** The class, the coordinates, and a confidence where one follows them. */
function readLine(line: string, fail: Refuse): { index: number; values: readonly number[]; score: number | undefined } {
  const [index, ...values] = line.trim().split(/\s+/).map(Number)
  if (![index, ...values].every(Number.isFinite)) fail('a line must hold numbers: the class and x, y, x, y …')
  if (!Number.isInteger(index) || index < 0) fail(`a class must be a whole number from 0, found ${index}`)
  if (values.length < 6)
    fail(
      `a polygon must have at least 3 positions, found ${values.length} values${values.length === 4 ? ' (a box)' : ''}`
    )
  const score = values.length % 2 ? values.pop() : undefined
  return { index, values, score }
}

function textOf(bytes: Uint8Array, fail: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    return fail('it must be text in UTF-8', cause)
  }
}
