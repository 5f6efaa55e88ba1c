import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { annotationFormats, type AnnotatedImage, type AnnotationFormat } from '@sam/annotations'
import { Option, type Command } from 'commander'
import {
  labelMap,
  maskTree,
  openLargeImage,
  tiledMasks,
  type AutomaticMask,
  type AutomaticMaskOptions,
  type RgbImage,
  type Sam,
  type SampleOptions
} from '@sam/core'
import { imageFileName } from '@sam/core/model'
import { annotatedImage, annotationOptions, writePredicted, type AnnotationOptions } from '../annotations.js'
import { writeImages, writeLabelMap, writeOverlay, writeRecords, writeTree } from '../automatic/results.js'
import { addSettings, settingsOf, type Settings } from '../automatic/settings.js'
import type { Context } from '../context.js'
import { eachPhoto, isUnreadable, unreadable, type EncodedPhoto, type Unreadable } from '../each-photo.js'
import { CliError, usage } from '../failure.js'
import { checkOutputFolder, outputFolder, refuseOverwriting, stem, writeResults } from '../files.js'
import { featherOption } from '../mask-edges.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import { withPhotoOptions } from '../photo.js'
import { json, oneLine, table } from '../text.js'

interface GenerateOptions extends ModelOptions, SampleOptions, Settings, AnnotationOptions {
  readonly out: string
  readonly format?: AnnotationFormat
  readonly convertToRle?: true
  readonly feather?: number
  readonly tree?: true
  readonly labelMap?: 'first' | 'smallest'
  readonly tileSize?: number
  readonly tileOverlap?: number
}

interface Generated {
  readonly image: string
  readonly masks: number
  /** The list of masks: `metadata.csv`, or the JSON file; with `--format`, the folder. */
  readonly file: string
  /** All masks over the image; missing with tiles. */
  readonly overlay?: string
  readonly tree?: string
  /** The label map; missing where no mask was found. */
  readonly labels?: string
}

/** `sam generate`: the masks of all objects of images, with the options and the files of Meta's scripts/amg.py. */
export function addGenerate(program: Command, context: Context): void {
  const command = withPhotoOptions(
    withModelOptions(
      program
        .command('generate')
        .description('the masks of all objects in images')
        .argument('<image...>', 'images, or folders of images')
    )
  )
    .option('--out <folder>', 'output folder', 'automatic-masks')
    .option('--convert-to-rle', 'one JSON file with COCO RLE per image, instead of a folder of PNG images')
    .addOption(
      new Option('--format <name>', 'annotations of all images in this format, instead of a folder of PNG images')
        .choices(annotationFormats)
        .conflicts('convertToRle')
    )
    .option('--tree', 'also the tree of wholes, parts and subparts, as JSON')
    .addOption(
      new Option(
        '--label-map <prefer>',
        'also one object per pixel, as a 16-bit PNG: n is the n-th mask from 1, and of several masks the first or the smallest'
      ).choices(['first', 'smallest'])
    )
    .addOption(featherOption())
  for (const option of annotationOptions()) command.addOption(option)
  addSettings(command)
  command
    .option(
      '--tile-size <n>',
      'for images of any size: reads and encodes overlapping tiles of n pixels; needs --convert-to-rle or --format',
      wholeNumber('--tile-size', { least: 64 })
    )
    .option(
      '--tile-overlap <n>',
      'pixels that neighbouring tiles share (default: 256)',
      wholeNumber('--tile-overlap', { least: 0 })
    )
    .addHelpText('after', help)
    .action((images: string[], options: GenerateOptions) => generate(images, options, context))
}

const help = `
Writes for each image: <out>/<image>/0.png, 1.png, …, best first, with metadata.csv; or, with --convert-to-rle,
<out>/<image>.json; or, with --format, the files of that format for all images in <out>, with the predicted IoU as the
score. Beside them <out>/<image>-overlay.png, and if asked for <image>-tree.json and <image>-labels.png, both also drawn
over the image (<image>-tree-overlay.png, <image>-labels-overlay.png). The names and defaults of the options are those of
Meta's amg.py.
An image that cannot be read is reported and skipped; the exit code is then 1.`

async function generate(given: readonly string[], options: GenerateOptions, context: Context): Promise<void> {
  checkTileOptions(options)
  const images = (await Promise.all(given.map(imagesIn))).flat()
  const jobs = images.map(image => ({ image, files: filesOf(image, options) }))
  const twice = jobs.find(({ files }, i) => jobs.findIndex(job => job.files.base === files.base) < i)
  if (twice)
    throw usage(`two images would both be written to ${twice.files.base}; run them one by one with their own --out`)
  await refuseOverwriting(
    jobs.flatMap(({ files: { list, overlay, tree, labels } }) =>
      [list, overlay, tree, labels].filter(file => file !== undefined)
    ),
    [...images, options.checkpoint, options.model]
  )
  await checkOutputFolder(options.out)
  const annotated: AnnotatedImage[] = []
  const { backend, done } = await withModel(options, context, async (sam, { backend, automatic }) => {
    const task = { options, settings: { ...automatic, ...settingsOf(options) }, context, annotated }
    const work = (job: Job, photo: EncodedPhoto): Promise<Generated> => generateOne(photo, job, task)
    return {
      backend,
      done: await (options.tileSize === undefined
        ? eachPhoto(jobs, { sam, context, options }, work)
        : eachLargeImage(jobs, sam, task))
    }
  })
  const { format, out: folder } = options
  if (format !== undefined)
    await writeResults(
      folder,
      write => writePredicted(annotated, { format, options, folder, inputs: images }, write),
      context.signal
    )
  if (options.json) return context.terminal.out(json({ backend, images: done }))
  const rows: string[][] = []
  for (const result of done) {
    if (isUnreadable(result)) context.terminal.err(`sam: ${oneLine(result.error.message)}\n`)
    else {
      const { image, masks, file, overlay, tree, labels } = result
      rows.push([image, String(masks), [file, overlay, tree, labels].filter(name => name !== undefined).join(' ')])
    }
  }
  if (rows.length) context.terminal.out(table('lrl', [['image', 'masks', 'files'], ...rows]))
}

/** The images of a folder, by name, without those of its folders; or the image itself. Throws `E_INPUT`. */
async function imagesIn(path: string): Promise<readonly string[]> {
  if (path === '-' || !(await stat(path).catch(() => undefined))?.isDirectory()) return [path]
  const names = (await readdir(path)).filter(name => !name.startsWith('.') && imageFileName.test(name)).sort()
  if (!names.length) throw new CliError('E_INPUT', `${path}: a folder must hold images, found none`)
  return names.map(name => join(path, name))
}

/** The files of one image; undefined where one is not asked for. */
interface Files {
  /** The path that all of them begin with. */
  readonly base: string
  /** Where PNG images go. */
  readonly folder: string | undefined
  /** The list of masks: `metadata.csv`, or the JSON file; with `--format`, the folder. */
  readonly list: string
  readonly overlay: string | undefined
  readonly tree: string | undefined
  readonly labels: string | undefined
}

interface Job {
  readonly image: string
  readonly files: Files
}

function filesOf(image: string, { out, convertToRle, format, tileSize, tree, labelMap }: GenerateOptions): Files {
  const base = join(out, stem(image))
  const folder = (convertToRle ?? format) === undefined ? base : undefined
  return {
    base,
    folder,
    list: format !== undefined ? out : convertToRle ? `${base}.json` : join(base, 'metadata.csv'),
    overlay: tileSize === undefined ? `${base}-overlay.png` : undefined,
    tree: tree && `${base}-tree.json`,
    labels: labelMap && `${base}-labels.png`
  }
}

/** Options that need the whole image in memory, or crops, do not go with tiles. */
function checkTileOptions({ tileSize, tileOverlap, ...options }: GenerateOptions): void {
  if (tileSize === undefined) {
    if (tileOverlap !== undefined) throw usage('--tile-overlap needs --tile-size')
    return
  }
  if (!options.convertToRle && options.format === undefined)
    throw usage('--tile-size needs --convert-to-rle or --format: PNG images of the whole would not fit into memory')
  const { labelMap, window, bands, overlapIou, overlapContainment, minMaskRegionArea, cropNLayers } = options
  const given = { labelMap, window, bands, overlapIou, overlapContainment, minMaskRegionArea, cropNLayers }
  const name = Object.entries(given).find(([, value]) => value !== undefined)?.[0]
  if (name !== undefined)
    throw usage(`--tile-size cannot be used with --${name.replace(/[A-Z]/g, part => `-${part.toLowerCase()}`)}`)
}

interface Task {
  readonly options: GenerateOptions
  readonly settings: AutomaticMaskOptions
  readonly context: Context
  /** Gets the image with its masks where `--format` is given. */
  readonly annotated: AnnotatedImage[]
}

async function generateOne({ photo, encoded }: EncodedPhoto, job: Job, task: Task): Promise<Generated> {
  const { options, settings, context } = task
  const masks = await context.progress(options).step(`masks of ${job.image}`, tell =>
    encoded.generateMasks({
      ...settings,
      keepLogits: options.smooth === true && options.format !== undefined, // a photo can have hundreds of masks
      signal: context.signal,
      onProgress: ({ done, total }) => tell(`${done} of ${total} points`)
    })
  )
  return writeOne({ masks, size: photo, photo }, job, task)
}

/** Works on images that need not fit into memory, one by one. */
async function eachLargeImage(jobs: readonly Job[], sam: Sam, task: Task): Promise<(Generated | Unreadable)[]> {
  const { options, settings, context } = task
  const { tileSize, tileOverlap } = options
  const results: (Generated | Unreadable)[] = []
  for (const job of jobs) {
    try {
      const image = await openLargeImage(job.image, { signal: context.signal })
      const masks = await context.progress(options).step(`masks of ${job.image}`, tell =>
        tiledMasks(sam, image, {
          ...settings,
          tileSize,
          tileOverlap,
          signal: context.signal,
          onProgress: ({ done, total }) => tell(`${done} of ${total} points`)
        })
      )
      results.push(await writeOne({ masks, size: image }, job, task))
    } catch (error) {
      results.push(unreadable(job.image, error, context))
    }
  }
  return results
}

interface Found {
  readonly masks: readonly AutomaticMask[]
  readonly size: { readonly width: number; readonly height: number }
  /** Missing where it does not fit into memory: then nothing is drawn. */
  readonly photo?: RgbImage
}

async function writeOne({ masks, size, photo }: Found, { image, files }: Job, task: Task): Promise<Generated> {
  const { options, context, annotated } = task
  const { base, folder, list, overlay, tree, labels } = files
  await outputFolder(options.out)
  await writeResults(
    folder,
    async write => {
      if (folder !== undefined) await writeImages(masks, { folder, table: list, feather: options.feather ?? 0 }, write)
      else if (options.format === undefined) await writeRecords(masks, list, write)
      const draw = async (file: string, drawn: Parameters<typeof writeOverlay>[1]['masks']): Promise<void> => {
        if (photo) await writeOverlay(photo, { file, masks: drawn }, write)
      }
      const pixels = masks.map(({ mask }) => mask)
      if (overlay !== undefined) await draw(overlay, pixels)
      if (tree !== undefined) {
        const nodes = maskTree(masks)
        await writeTree(nodes, { masks, file: tree, first: options.format === undefined ? 0 : 1 }, write)
        await draw(`${base}-tree-overlay.png`, nodes)
      }
      if (labels !== undefined && masks.length) {
        const map = labelMap(pixels, { prefer: options.labelMap })
        await writeLabelMap(map, labels, write)
        await draw(`${base}-labels-overlay.png`, map)
      }
    },
    context.signal
  )
  if (options.format !== undefined) annotated.push(annotatedImage(image, size, masks))
  return {
    image,
    masks: masks.length,
    file: list,
    ...(overlay !== undefined && { overlay }),
    ...(tree !== undefined && { tree }),
    ...(labels !== undefined && masks.length > 0 && { labels })
  }
}
