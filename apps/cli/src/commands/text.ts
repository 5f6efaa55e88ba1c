import { join } from 'node:path'
import { annotationFormats, type AnnotationFormat } from '@sam/annotations'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { encodePng, overlay, queryThresholds, type Instance, type RgbImage, type SampleOptions } from '@sam/core'
import { checkCoordinates, checkPhrase } from '@sam/core/model'
import { tinyModel } from '@sam/model-tiny'
import {
  annotatedImage,
  annotationOptions,
  isAnnotationFormat,
  writePredicted,
  type AnnotationOptions
} from '../annotations.js'
import { segmentationOf, formats, type Format } from '../answers.js'
import type { Context } from '../context.js'
import { usage } from '../failure.js'
import { checkOutputFolder, refuseOverwriting, stem, writeResults } from '../files.js'
import { cleaned, edgeOptions, type EdgeOptions } from '../mask-edges.js'
import { withClip, withModelOptions, type ModelOptions } from '../model.js'
import { readPhoto, withPhotoOptions } from '../photo.js'
import { pointsOption } from '../prompts.js'
import { json, oneLine, table } from '../text.js'

interface TextOptions extends ModelOptions, SampleOptions, AnnotationOptions, EdgeOptions {
  readonly clip?: string
  readonly route?: 'prompt' | 'rank'
  readonly limit?: number
  readonly threshold?: number
  readonly predIouThresh?: number
  readonly stabilityScoreThresh?: number
  readonly not: readonly string[]
  readonly out?: string
  readonly format: Format | AnnotationFormat
}

/** `sam text`: the objects in photos that a phrase names. */
export function addText(program: Command, context: Context): void {
  const command = withModelOptions(
    program
      .command('text')
      .description('find the objects that match a phrase')
      .argument('<phrase>', 'a few words: "striped red circle"')
      .argument('<image...>', 'photos'),
    'tiny; with --clip mobile_sam'
  )
  withPhotoOptions(command)
  const { clip, automatic } = tinyModel()
  const points = pointsOption(
    command,
    'a click that corrects the text, in pixels of the photo: on the object, or with ,0 on the background (repeatable; one photo)'
  )
  command
    .option('--clip <folder>', "CLIP for the phrase, in Hugging Face's layout (default: that of the tiny model)")
    .addOption(
      new Option(
        '--route <route>',
        'prompt: the phrase is the prompt; rank: automatic masks are ranked by the phrase (default: prompt if the SAM has a text projection, else rank)'
      ).choices(['prompt', 'rank'])
    )
    .option(
      '--not <phrase>',
      'negative phrase: competes for each mask (repeatable)',
      (phrase: string, list: readonly string[]) => [...list, phrase],
      []
    )
    .option('--limit <n>', 'maximum number of objects per photo, best first', numberOption)
    .option(
      '--threshold <score>',
      `lowest text score of a found object, 0 … 1 (default: ${clip.threshold} for the tiny model, else ${queryThresholds.prompt})`,
      numberOption
    )
    .option(
      '--pred-iou-thresh <n>',
      `with --route rank: automatic masks need a higher predicted IoU (default: 0.88; tiny model: ${automatic.predIouThresh})`,
      numberOption
    )
    .option(
      '--stability-score-thresh <n>',
      `with --route rank: minimum stability score of automatic masks (default: 0.95; tiny model: ${automatic.stabilityScoreThresh})`,
      numberOption
    )
    .option(
      '--out <folder>',
      'output folder (default: <photo>-masks, or sam-text for several; none with --json, unless --format is png)'
    )
    .addOption(
      new Option(
        '--format <form>',
        'masks as PNG images, COCO RLE or polygons; or in a format of annotations, with the phrase as category and the text score'
      )
        .choices([...formats, ...annotationFormats])
        .default('png')
    )
  for (const option of [...annotationOptions(), ...edgeOptions()]) command.addOption(option)
  command
    .addHelpText('after', help)
    .action((phrase: string, images: readonly string[], options: TextOptions) =>
      text({ phrase, images, points, options }, context)
    )
}

const help = `
A phrase that matches nothing gives no instances and exit code 0. Examples:
  sam text "striped red circle" scene.png
  sam text "a cat" photo.jpg --clip clip-vit-large-patch14             # real photos: MobileSAM's automatic masks, ranked
  sam text "a wheel" *.jpg --checkpoint sam_vit_b_01ec64.pth --clip clip-vit-large-patch14 --not "a headlight" --format coco --out wheels
  sam text "a red star" scene.png --point 120,80 --point 40,60,0      # the text, corrected with clicks`

const numberOption = (value: string): number => {
  const number = value.trim() === '' ? NaN : Number(value)
  if (!Number.isFinite(number)) throw new InvalidArgumentError('It must be a number.')
  return number
}

interface Job {
  readonly phrase: string
  readonly images: readonly string[]
  readonly points: ReturnType<typeof pointsOption>
  readonly options: TextOptions
}

/** A photo and the objects that the phrase names in it. */
interface Found {
  readonly image: string
  readonly photo: RgbImage
  readonly instances: readonly Instance[]
}

async function text({ phrase, images, points, options }: Job, context: Context): Promise<void> {
  const { signal, terminal } = context
  const words = [phrase, ...options.not].map(checkPhrase)
  if (points.length && images.length > 1) throw usage('--point needs one photo; give one')
  if (points.length && options.route === 'rank') throw usage('--point corrects a text prompt; --route rank takes none')
  const names = namesOf(images)
  const folder =
    options.json && options.format !== 'png' && options.out === undefined
      ? undefined
      : (options.out ?? (images.length === 1 ? `${stem(images[0])}-masks` : 'sam-text'))
  const place = (i: number, what: string): string => join(folder!, images.length === 1 ? what : `${names[i]}-${what}`)
  if (folder !== undefined) {
    const files = [
      ...images.flatMap((_, i) => [place(i, overlayName), place(i, 'mask-1.png')]),
      join(folder, resultName)
    ]
    await refuseOverwriting(files, [...images, options.checkpoint, options.model])
    await checkOutputFolder(folder)
  }
  const photos = await Promise.all(images.map(image => readPhoto(image, context, options)))
  if (points.length) checkCoordinates({ points }, photos[0]) // report typing errors before loading and encoding

  const progress = context.progress(options)
  await withClip(options, context, async (sam, { backend, automatic: preset }) => {
    if (options.route === 'prompt' && sam.textWidth === undefined)
      throw usage(
        `--route prompt needs a SAM with a text projection, and ${sam.config.name} has none: give --route rank`
      )
    const automatic = {
      ...preset,
      ...(options.predIouThresh !== undefined && { predIouThresh: options.predIouThresh }),
      ...(options.stabilityScoreThresh !== undefined && { stabilityScoreThresh: options.stabilityScoreThresh })
    }
    const found: Found[] = []
    for (const [i, photo] of photos.entries()) {
      const image = images[i]
      found.push(
        await progress.step(`searching ${image} for ${words[0]}`, async () => {
          const encoded = await sam.encode(photo, { signal })
          try {
            const { route, limit, threshold } = options
            return {
              image,
              photo,
              instances: (
                await encoded.query(words[0], {
                  route,
                  limit,
                  threshold,
                  automatic,
                  not: words.slice(1),
                  signal,
                  ...(points.length && { points })
                })
              ).map(instance => ({ ...instance, mask: cleaned(instance.mask, options) }))
            }
          } finally {
            encoded.dispose()
          }
        })
      )
    }
    const result = {
      phrase: words[0],
      not: words.slice(1),
      model: sam.config.name,
      backend,
      images: found.map(({ image, photo, instances }, i) => ({
        image,
        width: photo.width,
        height: photo.height,
        instances: instances.map((instance, k) => answerOf(instance, options, () => place(i, `mask-${k + 1}.png`)))
      }))
    }
    if (folder !== undefined)
      await progress.step(`writing ${folder}`, () =>
        writeResults(
          folder,
          async write => {
            for (const [i, { photo, instances }] of found.entries()) {
              if (options.format === 'png')
                for (const [k, { mask }] of instances.entries())
                  await write(place(i, `mask-${k + 1}.png`), [await mask.toPng({ feather: options.feather ?? 0 })])
              const drawn = overlay(
                photo,
                instances.map(({ mask }) => mask),
                { points }
              )
              await write(place(i, overlayName), [await encodePng(drawn)])
            }
            const { format } = options
            if (isAnnotationFormat(format)) {
              const annotated = found.map(({ image, photo, instances }) =>
                annotatedImage(
                  image,
                  photo,
                  instances.map(({ mask, score }) => ({ mask, score, category: words[0] }))
                )
              )
              await writePredicted(annotated, { format, options, folder, inputs: images }, write)
            } else if (format !== 'png') await write(join(folder, resultName), [new TextEncoder().encode(json(result))])
          },
          signal
        )
      )
    terminal.out(
      options.json
        ? json(result)
        : tableOf(words[0], found) +
            (folder === undefined ? '' : found.map((_, i) => `${oneLine(place(i, overlayName))}\n`).join(''))
    )
  })
}

const [overlayName, resultName] = ['overlay.png', 'masks.json']

/** Prefixes of the output files of several photos: the photos' names. */
function namesOf(images: readonly string[]): string[] {
  const names = images.map(stem)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw usage(`results are named after their photos, and two have the name ${twice}; run them separately`)
  return names
}

const answerOf = ({ mask, score, predictedIou }: Instance, options: TextOptions, file: () => string): object => ({
  score,
  predicted_iou: predictedIou,
  area: mask.area,
  bbox: mask.boxXywh,
  ...(options.format === 'png'
    ? { file: file() }
    : { segmentation: segmentationOf(mask, options.format === 'polygon' ? 'polygon' : 'rle', options) })
})

function tableOf(phrase: string, found: readonly Found[]): string {
  const rows = found.flatMap(({ image, instances }) =>
    instances.map(({ mask, score, predictedIou }, i) => [
      image,
      String(i + 1),
      score.toFixed(3),
      predictedIou.toFixed(3),
      String(mask.area),
      mask.boxXywh.join(',')
    ])
  )
  const empty = found
    .filter(({ instances }) => instances.length === 0)
    .map(({ image }) => `${oneLine(`${phrase}: not in ${image}`)}\n`)
    .join('')
  return (
    (rows.length ? table('lrrrrl', [['photo', 'object', 'text score', 'predicted IoU', 'area', 'box'], ...rows]) : '') +
    empty
  )
}
