import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { encodePng, overlay, type Box, type Mask, type Point, type Prompt, type RgbImage } from '@sam/core'
import type { Context } from '../context.js'
import { anyPhoto, coffee, coffeePhoto, type Example } from '../demo-examples.js'
import { checkOutputFolder, refuseOverwriting, writeResults } from '../files.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { readPhoto } from '../photo.js'
import { json, oneLine, table } from '../text.js'

interface DemoOptions extends ModelOptions {
  readonly out: string
}

/** `sam demo`: masks of a photo from three kinds of prompts, and automatic masks, as pictures. */
export function addDemo(program: Command, context: Context): void {
  withModelOptions(
    program
      .command('demo')
      .description('segment an image with a click, a correction, a box and automatic masks')
      .argument('[photo]', 'a photo (default: a cup of coffee)', coffeePhoto)
  )
    .option('--out <folder>', 'folder for the resulting images', 'sam-demo')
    .action((image: string, options: DemoOptions) => demo(image, options, context))
}

async function demo(image: string, options: DemoOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const progress = context.progress(options)
  const picture = await readPhoto(image, context)
  const examples = image === coffeePhoto ? coffee : anyPhoto(picture)
  const fileOf = ({ name }: Example, k: number, kind = ''): string => join(options.out, `${name}-${k + 1}${kind}.png`)
  const automaticFile = join(options.out, 'automatic.png')
  const files = examples.flatMap(example => [0, 1, 2].flatMap(k => [fileOf(example, k), fileOf(example, k, '-mask')]))
  await refuseOverwriting(
    [...files, automaticFile],
    [image === '-' ? undefined : image, options.checkpoint, options.model]
  )
  await checkOutputFolder(options.out)

  await withModel(options, context, async (sam, { backend, automatic }) => {
    using encoded = await progress.step(`encoding ${basename(image)}`, () => sam.encode(picture, { signal }))
    const shown: Shown[] = []
    for (const example of examples) {
      const { masks } = await progress.step(example.title, () =>
        encoded.predict(example.prompt, { multimask: example.masks === 3, signal })
      )
      for (const [k, mask] of masks.entries()) {
        const drawn = overlay(picture, [mask], marksOf(example.prompt))
        const row = {
          drawn,
          prompt: example.name,
          mask,
          picture: fileOf(example, k),
          file: fileOf(example, k, '-mask')
        }
        shown.push(row)
      }
    }
    const all = await progress.step('automatic masks', tell =>
      encoded.generateMasks({
        pointsPerSide: 16,
        ...automatic,
        signal,
        onProgress: ({ done, total }) => tell(`${done} of ${total} points`)
      })
    )
    const drawn = overlay(
      picture,
      all.map(({ mask }) => mask)
    )
    await writeResults(
      options.out,
      async write => {
        for (const { drawn, picture, mask, file } of shown) {
          await write(picture, [await encodePng(drawn)])
          await write(file, [await mask.toPng()])
        }
        await write(automaticFile, [await encodePng(drawn)])
      },
      signal
    )
    terminal.out(
      options.json
        ? json({
            image,
            model: sam.config.name,
            backend,
            masks: shown.map(toJson),
            automatic: { count: all.length, picture: automaticFile }
          })
        : `${toTable(shown)}${all.length} automatic masks: ${oneLine(automaticFile)}\n`
    )
  })
}

interface Shown {
  readonly prompt: string
  readonly mask: Mask
  readonly drawn: RgbImage
  /** The mask drawn on the photo, and alone. */
  readonly picture: string
  readonly file: string
}

const toJson = ({ prompt, mask, picture, file }: Shown): object => ({
  prompt,
  predicted_iou: mask.predictedIou,
  stability_score: mask.stability(),
  area: mask.area,
  bbox: mask.boxXywh,
  picture,
  file
})

const toTable = (shown: readonly Shown[]): string =>
  table('lrrl', [
    ['prompt', 'predicted IoU', 'area', 'picture'],
    ...shown.map(({ prompt, mask, picture }) => [prompt, mask.predictedIou.toFixed(3), String(mask.area), picture])
  ])

const marksOf = ({ points = [], box }: Prompt): { points: readonly Point[]; boxes: readonly Box[] } => ({
  points,
  boxes: box ? [box] : []
})
