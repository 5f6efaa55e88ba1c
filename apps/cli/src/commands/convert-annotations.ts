import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  annotationFormats,
  detectFormat,
  readAnnotations,
  writeAnnotations,
  type AnnotationFormat
} from '@sam/annotations'
import { Option, type Command } from 'commander'
import {
  annotationOptions,
  annotationPaths,
  imagesBelow,
  readAnnotationFiles,
  writeAnnotationFiles,
  type AnnotationOptions
} from '../annotations.js'
import type { CommonOptions, Context } from '../context.js'
import { checkOutputFolder, refuseOverwriting, writeResults } from '../files.js'
import { withCommonOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import { json, oneLine } from '../text.js'

interface ConvertOptions extends CommonOptions, AnnotationOptions {
  readonly from?: AnnotationFormat
  readonly to: AnnotationFormat
  readonly out: string
  readonly images?: string
  readonly maxBytes?: number
}

/** `sam convert-annotations`: annotations in another format. */
export function addConvertAnnotations(program: Command, context: Context): void {
  const command = withCommonOptions(
    program
      .command('convert-annotations')
      .description('write annotations in another format')
      .argument('<in>', 'an annotation file, or a folder of them')
  )
    .addOption(new Option('--to <format>', 'format to write').choices(annotationFormats).makeOptionMandatory())
    .requiredOption('--out <path>', 'output folder; or a file, for a format with one file')
    .addOption(new Option('--from <format>', 'format to read (default: detected)').choices(annotationFormats))
    .option('--max-bytes <n>', 'most bytes of a file (default: 134217728)', wholeNumber('--max-bytes', { least: 1 }))
    .option('--images <folder>', 'folder of the images, for formats without image sizes (default: <in>)')
  for (const option of annotationOptions()) command.addOption(option)
  command
    .addHelpText('after', help)
    .action((from: string, options: ConvertOptions) => convertAnnotations(from, options, context))
}

const help = `
Formats: ${annotationFormats.join(', ')}. Masks are kept exactly, unless --simplify is given.
An annotation that is no mask (a box, a line) is reported and skipped; the exit code is then 1.
  sam convert-annotations instances.json --to yolo --out labels-yolo
  sam convert-annotations dataset-yolo --to coco --out instances.json --shapes polygon --simplify 1`

async function convertAnnotations(from: string, options: ConvertOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const files = await readAnnotationFiles(from, { format: options.from, signal })
  const format = options.from ?? detectFormat(files)
  const isFolder = (await stat(from)).isDirectory()
  let find: ReturnType<typeof imagesBelow> | undefined
  const skipped: string[] = []
  const written = await context.progress(options).step(`converting ${from}`, async () => {
    const images = await readAnnotations(files, {
      format,
      findImage: async name =>
        (await (find ??= imagesBelow(options.images ?? (isFolder ? from : dirname(from)))))(name),
      onSkipped: reason => void skipped.push(reason),
      maxBytes: options.maxBytes,
      signal
    })
    const { to, shapes, simplify, smooth, prefer } = options
    const output = writeAnnotations(images, { format: to, shapes, simplify, smooth, prefer })
    const paths = annotationPaths(output, options.out)
    const sources = isFolder ? [...files.keys()].map(name => join(from, name)) : [from]
    await refuseOverwriting([...paths.values()], sources)
    const folder = [...paths.values()].includes(options.out) ? undefined : options.out
    await checkOutputFolder(folder ?? dirname(options.out))
    await writeResults(folder, write => writeAnnotationFiles(output, paths, write), signal)
    return {
      images: images.length,
      objects: images.reduce((sum, { objects }) => sum + objects.length, 0),
      files: output.size
    }
  })
  if (skipped.length) context.partlyFailed()
  if (options.json) return terminal.out(json({ from: format, to: options.to, out: options.out, ...written, skipped }))
  for (const reason of skipped) terminal.err(`sam: skipped: ${oneLine(reason)}\n`)
  terminal.out(
    `${oneLine(options.out)}: ${written.objects} objects of ${written.images} images, ${format} to ${options.to}\n`
  )
}
