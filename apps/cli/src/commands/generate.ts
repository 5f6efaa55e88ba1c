import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { annotationFormats, type AnnotatedImage, type AnnotationFormat } from '@sam/annotations'
import { Option, type Command } from 'commander'
import { encodePng, overlay, type AutomaticMask, type AutomaticMaskOptions, type SampleOptions } from '@sam/core'
import { toXywh } from '@sam/core/model'
import { annotatedImage, annotationOptions, writePredicted, type AnnotationOptions } from '../annotations.js'
import type { Context } from '../context.js'
import { eachPhoto, isUnreadable, type EncodedPhoto } from '../each-photo.js'
import { CliError, usage } from '../failure.js'
import { checkOutputFolder, outputFolder, refuseOverwriting, stem, writeResults, type WriteResult } from '../files.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { decimal, wholeNumber } from '../numbers.js'
import { withPhotoOptions } from '../photo.js'
import { json, oneLine, table } from '../text.js'

interface GenerateOptions extends ModelOptions, SampleOptions, AutomaticMaskOptions, AnnotationOptions {
  readonly out: string
  readonly format?: AnnotationFormat
  readonly convertToRle?: true
}

interface Generated {
  readonly image: string
  readonly masks: number
  readonly file: string
  readonly overlay: string
}

/** Settings of the mask generator, under the names of Meta's scripts/amg.py. Defaults: see `AutomaticMaskOptions`. */
const whole = [
  ['--points-per-side', 'points along each side of the grid (default: 32)', 1],
  ['--points-per-batch', 'points decoded at once (default: 64)', 1],
  ['--crop-n-layers', 'layers of crops in addition to the image: 4 crops, then 16, … (default: 0)', 0],
  ['--crop-n-points-downscale-factor', 'points per side of layer i are divided by this to the power i (default: 1)', 1],
  ['--min-mask-region-area', 'removes holes and islands with fewer pixels (default: 0)', 0]
] as const
const fractional = [
  ['--pred-iou-thresh', 'drops masks with a lower predicted IoU (default: 0.88)'],
  ['--stability-score-thresh', 'drops masks with a lower stability score (default: 0.95)'],
  ['--stability-score-offset', 'offset of the mask threshold in the stability score (default: 1)'],
  ['--box-nms-thresh', 'box IoU above which the lower-ranked of two masks is dropped (default: 0.7)'],
  ['--crop-nms-thresh', 'the same for masks of different crops (default: 0.7)'],
  ['--crop-overlap-ratio', 'overlap of crops, as a fraction of the shorter side of the image (default: 512/1500)']
] as const

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
  for (const option of annotationOptions()) command.addOption(option)
  for (const [name, description, least] of whole)
    command.option(`${name} <n>`, description, wholeNumber(name, { least }))
  for (const [name, description] of fractional) command.option(`${name} <x>`, description, decimal(name))
  command
    .addHelpText('after', help)
    .action((images: string[], options: GenerateOptions) => generate(images, options, context))
}

const help = `
Writes for each image: <out>/<image>/0.png, 1.png, …, best first, with metadata.csv; or, with --convert-to-rle,
<out>/<image>.json; or, with --format, the files of that format for all images in <out>, with the predicted IoU as the
score. In all cases also <out>/<image>-overlay.png. The options are those of Meta's amg.py.
An image that cannot be read is reported and skipped; the exit code is then 1.`

async function generate(given: readonly string[], options: GenerateOptions, context: Context): Promise<void> {
  const images = (await Promise.all(given.map(imagesIn))).flat()
  const jobs = images.map(image => ({ image, ...filesOf(image, options) }))
  const twice = jobs.find(({ overlay }, i) => jobs.findIndex(job => job.overlay === overlay) < i)
  if (twice)
    throw usage(`two images would both be written to ${twice.overlay}; run them one by one with their own --out`)
  await refuseOverwriting(
    jobs.flatMap(({ file, overlay }) => [file, overlay]),
    [...images, options.checkpoint, options.model]
  )
  await checkOutputFolder(options.out)
  const annotated: AnnotatedImage[] = []
  const { backend, done } = await withModel(options, context, async (sam, { backend, automatic }) => ({
    backend,
    done: await eachPhoto(jobs, { sam, context, options }, (job, photo) =>
      generateOne(photo, job, { options: { ...automatic, ...options }, context, annotated })
    )
  }))
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
    else rows.push([result.image, String(result.masks), result.file, result.overlay])
  }
  if (rows.length) context.terminal.out(table('lrll', [['image', 'masks', 'file', 'overlay'], ...rows]))
}

/** The images of a folder, by name, without those of its folders; or the image itself. Throws `E_INPUT`. */
async function imagesIn(path: string): Promise<readonly string[]> {
  if (path === '-' || !(await stat(path).catch(() => undefined))?.isDirectory()) return [path]
  const names = (await readdir(path)).filter(name => imageName.test(name)).sort()
  if (!names.length) throw new CliError('E_INPUT', `${path}: a folder must hold images, found none`)
  return names.map(name => join(path, name))
}

const imageName = /^[^.].*\.(jpe?g|png|webp|gif|tiff?|avif|heic|heif|jxl|jp2)$/i

interface Files {
  /** Where PNG images go; undefined where another form is written. */
  readonly folder: string | undefined
  /** The list of masks: `metadata.csv`, or the JSON file; with `--format`, the folder. */
  readonly file: string
  readonly overlay: string
}

function filesOf(image: string, { out, convertToRle, format }: GenerateOptions): Files {
  const base = join(out, stem(image))
  const overlay = `${base}-overlay.png`
  if (format !== undefined) return { folder: undefined, file: out, overlay }
  return convertToRle
    ? { folder: undefined, file: `${base}.json`, overlay }
    : { folder: base, file: join(base, 'metadata.csv'), overlay }
}

async function generateOne(
  { photo, encoded }: EncodedPhoto,
  { image, ...files }: Files & { readonly image: string },
  { options, context, annotated }: { options: GenerateOptions; context: Context; annotated: AnnotatedImage[] }
): Promise<Generated> {
  const { signal } = context
  const progress = context.progress(options)
  const masks = await progress.step(`masks of ${image}`, tell =>
    encoded.generateMasks({
      ...settingsOf(options),
      keepLogits: false, // a photo can have hundreds of masks
      signal,
      onProgress: ({ done, total }) => tell(`${done} of ${total} points`)
    })
  )
  const pixels = masks.map(({ mask }) => mask)
  await outputFolder(options.out)
  await writeResults(
    files.folder,
    async write => {
      if (options.format === undefined) await writeMasks(masks, files, write)
      await write(files.overlay, [await encodePng(overlay(photo, pixels))])
    },
    signal
  )
  if (options.format !== undefined) annotated.push(annotatedImage(image, photo, pixels))
  return { image, masks: masks.length, file: files.file, overlay: files.overlay }
}

const settingNames = [...whole, ...fractional].map(([name]) =>
  name.slice(2).replace(/-./g, part => part[1].toUpperCase())
) as (keyof AutomaticMaskOptions)[]

const settingsOf = (options: AutomaticMaskOptions): AutomaticMaskOptions =>
  Object.fromEntries(settingNames.filter(name => options[name] !== undefined).map(name => [name, options[name]]))

async function writeMasks(masks: readonly AutomaticMask[], files: Files, write: WriteResult): Promise<void> {
  const text = (content: string): Uint8Array[] => [new TextEncoder().encode(content)]
  if (files.folder === undefined) return write(files.file, text(json(masks.map(recordOf))))
  for (const [i, { mask }] of masks.entries()) await write(join(files.folder, `${i}.png`), [await mask.toPng()])
  await write(files.file, text(metadata(masks)))
}

/** A record of Meta's `generate`, with COCO RLE. `bbox` is COCO's: its width and height are one more than Meta's. */
const recordOf = ({ mask, stability, point, crop }: AutomaticMask): object => ({
  ...mask.toJSON(),
  point_coords: [[point.x, point.y]],
  stability_score: stability,
  crop_box: toXywh(crop)
})

const columns =
  'id,area,bbox_x0,bbox_y0,bbox_w,bbox_h,point_input_x,point_input_y,predicted_iou,stability_score,' +
  'crop_box_x0,crop_box_y0,crop_box_w,crop_box_h'

/** The table of Meta's amg.py#write_masks_to_folder. */
const metadata = (masks: readonly AutomaticMask[]): string =>
  [
    columns,
    ...masks.map(({ mask, area, stability, point, crop }, id) =>
      [id, area, ...mask.boxXywh, point.x, point.y, mask.predictedIou, stability, ...toXywh(crop)].join(',')
    )
  ]
    .map(line => `${line}\n`)
    .join('')
