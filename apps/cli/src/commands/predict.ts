import { join } from 'node:path'
import { annotationFormats, type AnnotationFormat } from '@sam/annotations'
import { Option, type Command } from 'commander'
import {
  encodePng,
  overlay,
  type EncodedImage,
  type Mask,
  type RgbImage,
  type Sam,
  type SampleOptions
} from '@sam/core'
import { checkCoordinates, writeSafetensors } from '@sam/core/model'
import {
  annotatedImage,
  annotationOptions,
  isAnnotationFormat,
  writePredicted,
  type AnnotationOptions
} from '../annotations.js'
import { answerOf, answerTable, formats, tensorsOf, type Answer, type Format } from '../answers.js'
import type { Context } from '../context.js'
import { usage } from '../failure.js'
import { checkOutputFolder, readInput, refuseOverwriting, stem, writeResults, type WriteResult } from '../files.js'
import { cleaned, edgeOptions, type EdgeOptions } from '../mask-edges.js'
import { withDecoder, withModel, withModelOptions, type ModelOptions } from '../model.js'
import { readPhoto, withPhotoOptions } from '../photo.js'
import { promptOptions, promptsOf, readPrompt, type GivenPrompt } from '../prompts.js'
import { json, oneLine } from '../text.js'

interface PredictOptions extends ModelOptions, SampleOptions, AnnotationOptions, EdgeOptions {
  readonly embedding?: string
  readonly multimask?: true
  readonly single?: true
  readonly out?: string
  readonly format: Format | AnnotationFormat
  readonly saveTensors?: string
}

/** `sam predict`: masks of a photo from prompts. */
export function addPredict(program: Command, context: Context): void {
  const command = withModelOptions(
    program
      .command('predict')
      .description('masks from clicks, boxes and masks')
      .argument('[image]', 'a photo, or - for standard input')
  )
  withPhotoOptions(command)
  const given = promptOptions(command)
  for (const option of [...annotationOptions(), ...edgeOptions()]) command.addOption(option)
  command
    .option(
      '--embedding <file>',
      'an embedding saved by `sam embed`, of the same model; the photo is then only used for the overlay'
    )
    .addOption(
      new Option('--multimask', 'three masks: whole, part, subpart (default for one click, box or mask)').conflicts(
        'single'
      )
    )
    .option('--single', 'one mask (default for several prompts of an object)')
    .option('--out <folder>', 'output folder (default: <photo>-masks; none with --json and rle or polygon)')
    .addOption(
      new Option(
        '--format <form>',
        'masks as PNG images, COCO RLE or polygons; or the best mask of each object in a format of annotations'
      )
        .choices([...formats, ...annotationFormats])
        .default('png')
    )
    .option('--save-tensors <file>', 'also the embedding, logits and predicted IoUs, as safetensors')
    .addHelpText('after', help)
    .action((image: string | undefined, options: PredictOptions) =>
      predict({ image, prompts: promptsOf(given), options }, context)
    )
}

const help = `
One object: any points, one box, one mask. Several boxes alone: one object each. --object starts another object:
  sam predict photo.jpg --point 500,375
  sam predict photo.jpg --checkpoint sam_vit_b_01ec64.pth --box 75,275,1725,850 --point 500,375,0
  sam predict photo.jpg --checkpoint sam_vit_b_01ec64.pth --point 500,375 --object --box 75,275,1725,850 --json --format rle`

interface Job {
  readonly image: string | undefined
  readonly prompts: readonly GivenPrompt[]
  readonly options: PredictOptions
}

async function predict({ image, prompts, options }: Job, context: Context): Promise<void> {
  if (image === undefined && options.embedding === undefined) throw usage('give a photo, or --embedding FILE')
  const { signal, terminal } = context
  const plan = outputsOf({ image, prompts, options })
  await refuseOverwriting(
    [...plan.files, ...(options.saveTensors === undefined ? [] : [options.saveTensors])],
    sourcesOf({ image, prompts, options })
  )
  if (plan.folder !== undefined) await checkOutputFolder(plan.folder)

  const photo = image === undefined ? undefined : await readPhoto(image, context, options)
  const sdkPrompts = await Promise.all(prompts.map(prompt => readPrompt(prompt, signal)))
  if (photo) sdkPrompts.forEach(prompt => checkCoordinates(prompt, photo)) // report typing errors before loading and encoding
  const progress = context.progress(options)
  const load = options.embedding === undefined ? withModel : withDecoder
  await load(options, context, async (sam, { backend }) => {
    const encoded = await progress.step(`encoding ${image ?? options.embedding!}`, async () =>
      encode(sam, { photo, options }, signal)
    )
    const multimask = options.multimask ? true : options.single ? false : 'auto'
    const predictions = await progress.step(
      `decoding ${prompts.length === 1 ? 'one object' : `${prompts.length} objects`}`,
      () => encoded.predict(sdkPrompts, { multimask, signal })
    )
    const masks = predictions.map(p => p.masks.map(mask => cleaned(mask, options)))
    const answers = predictions.map((p, i) =>
      answerOf(prompts[i], p, {
        format: isAnnotationFormat(options.format) ? 'rle' : options.format,
        outlines: options,
        file: k => plan.maskFile(i, k),
        masks: masks[i]
      })
    )
    const result = {
      image: image ?? null,
      width: encoded.width,
      height: encoded.height,
      model: sam.config.name,
      backend,
      objects: answers
    }
    const { folder } = plan
    const { saveTensors } = options
    if ((folder ?? saveTensors) !== undefined)
      await progress.step(`writing ${folder ?? saveTensors}`, () =>
        writeResults(
          folder,
          async write => {
            if (saveTensors !== undefined)
              await write(
                saveTensors,
                writeSafetensors({ image_embedding: await encoded.embedding(), ...tensorsOf(predictions) })
              )
            if (folder === undefined) return
            const { format } = options
            if (isAnnotationFormat(format)) {
              const objects = masks.map(([best]) => ({ mask: best }))
              const annotated = annotatedImage(image ?? stem(options.embedding!), encoded, objects)
              const inputs = sourcesOf({ image, prompts, options })
              await writePredicted([annotated], { format, options, folder, inputs }, write)
            } else await writeMasks({ masks, answers, result, folder, options }, write)
            if (photo) await writeOverlay({ photo, masks, prompts, folder }, write)
          },
          signal
        )
      )
    const files = {
      ...(plan.folder !== undefined && photo ? { overlay: join(plan.folder, overlayName) } : {}),
      ...(options.saveTensors === undefined ? {} : { tensors: options.saveTensors })
    }
    terminal.out(
      options.json
        ? json({ ...result, ...files })
        : answerTable(answers) +
            Object.values(files)
              .map(file => `${oneLine(file)}\n`)
              .join('')
    )
  })
}

async function encode(
  sam: Sam,
  { photo, options }: { photo: RgbImage | undefined; options: PredictOptions },
  signal: AbortSignal
): Promise<EncodedImage> {
  return options.embedding === undefined
    ? sam.encode(photo!, { signal })
    : sam.load(await readInput(options.embedding, { signal }), { image: photo, signal })
}

const overlayName = 'overlay.png'
const masksName = 'masks.json'

/** The output files; none where JSON on stdout holds all results. */
function outputsOf({ image, prompts, options }: Job): {
  folder: string | undefined
  files: readonly string[]
  maskFile: (object: number, mask: number) => string | undefined
} {
  const isJson = options.format === 'rle' || options.format === 'polygon'
  const stdoutOnly = options.json && isJson && options.out === undefined
  const folder = stdoutOnly ? undefined : (options.out ?? `${stem(image ?? options.embedding!)}-masks`)
  const several = prompts.length > 1
  const maskFile = (object: number, mask: number): string | undefined =>
    folder === undefined
      ? undefined
      : join(folder, several ? `object-${object + 1}-mask-${mask + 1}.png` : `mask-${mask + 1}.png`)
  const pictures = prompts.flatMap((_, i) => [0, 1, 2].map(k => maskFile(i, k)!))
  const files =
    folder === undefined
      ? []
      : [join(folder, overlayName), ...(options.format === 'png' ? pictures : isJson ? [join(folder, masksName)] : [])]
  return { folder, files, maskFile }
}

const sourcesOf = ({ image, prompts, options }: Job): (string | undefined)[] => [
  image === '-' ? undefined : image,
  options.checkpoint,
  options.embedding,
  options.model,
  ...prompts.map(p => p.mask)
]

interface Results {
  /** Those of each prompt, best first. */
  readonly masks: readonly (readonly Mask[])[]
  readonly answers: readonly Answer[]
  readonly result: object
  readonly folder: string
  readonly options: EdgeOptions
}

/** Writes masks as pictures or one JSON file. */
async function writeMasks({ masks, answers, result, folder, options }: Results, write: WriteResult): Promise<void> {
  const { feather = 0 } = options
  for (const [i, ofPrompt] of masks.entries()) {
    for (const [k, mask] of ofPrompt.entries()) {
      const { file } = answers[i].masks[k]
      if (file !== undefined) await write(file, [await mask.toPng({ feather })])
    }
  }
  if (answers[0].masks[0].file === undefined)
    await write(join(folder, masksName), [new TextEncoder().encode(json(result))])
}

/** Writes the best mask of each object and the prompts, drawn over the photo. */
async function writeOverlay(
  {
    photo,
    masks,
    prompts,
    folder
  }: Pick<Results, 'masks' | 'folder'> & { photo: RgbImage; prompts: readonly GivenPrompt[] },
  write: WriteResult
): Promise<void> {
  const drawn = overlay(
    photo,
    masks.map(([best]) => best),
    { points: prompts.flatMap(p => p.points), boxes: prompts.flatMap(p => (p.box ? [p.box] : [])) }
  )
  await write(join(folder, overlayName), [await encodePng(drawn)])
}
