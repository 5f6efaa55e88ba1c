import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { encodePng, overlay, type Box, type Mask, type Point, type Prompt, type RgbImage } from '@sam/core'
import type { Context } from '../context.js'
import { outputFolder, refuseOverwriting, writeOutput } from '../files.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { readPhoto } from '../photo.js'
import { json, table } from '../text.js'

interface DemoOptions extends ModelOptions {
  readonly out: string
}

/** A prompt of the demo: its results are called after it. */
interface Scene {
  readonly name: string
  readonly says: string
  readonly prompt: Prompt
  /** Masks that are shown. */
  readonly masks: 1 | 3
}

const photo = fileURLToPath(new URL('../../assets/coffee.jpg', import.meta.url))

/** `sam demo`: a photo, three kinds of prompts, pictures of the answers. */
export function addDemo(program: Command, context: Context): void {
  withModelOptions(
    program
      .command('demo')
      .description('see it work: a photo, three kinds of prompts, pictures of the answers')
      .argument('[photo]', 'default: a cup of coffee', photo)
  )
    .option('--out <folder>', 'where the pictures go', 'sam-demo')
    .action((image: string, options: DemoOptions) => demo(image, options, context))
}

async function demo(image: string, options: DemoOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const progress = context.progress(options)
  const picture = await readPhoto(image, context)
  const scenes = image === photo ? coffee : anyPhoto(picture)
  const fileOf = ({ name }: Scene, k: number, kind = ''): string => join(options.out, `${name}-${k + 1}${kind}.png`)
  const files = scenes.flatMap(scene => [0, 1, 2].flatMap(k => [fileOf(scene, k), fileOf(scene, k, '-mask')]))
  await refuseOverwriting(files, [image === '-' ? undefined : image, options.checkpoint, options.model])
  await outputFolder(options.out)

  await withModel(options, context, async sam => {
    using encoded = await progress.step(`encoding ${basename(image)}`, () => sam.encode(picture, { signal }))
    const shown: Shown[] = []
    for (const scene of scenes) {
      const { masks } = await progress.step(scene.says, () =>
        encoded.predict(scene.prompt, { multimask: scene.masks === 3, signal })
      )
      for (const [k, mask] of masks.entries()) {
        const drawn = overlay(picture, [mask], marksOf(scene.prompt))
        const row = { prompt: scene.name, mask, picture: fileOf(scene, k), file: fileOf(scene, k, '-mask') }
        await writeOutput(row.picture, [await encodePng(drawn)], signal)
        await writeOutput(row.file, [await mask.toPng()], signal)
        shown.push(row)
      }
    }
    terminal.out(options.json ? json({ image, model: sam.config.name, masks: shown.map(toJson) }) : toTable(shown))
  })
}

interface Shown {
  readonly prompt: string
  readonly mask: Mask
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

/** On the bundled photo: coffee, cup or saucer? Then the cup without its coffee, then the spoon. */
const coffee = scenesAt({
  click: { x: 290, y: 150 },
  corrected: [
    { x: 240, y: 250 },
    { x: 290, y: 150, label: 'background' }
  ],
  box: [322, 62, 428, 330]
})

/** The same questions to any photo: its middle. */
const anyPhoto = ({ width, height }: RgbImage): Scene[] =>
  scenesAt({
    click: { x: width / 2, y: height / 2 },
    corrected: [
      { x: width / 2, y: height / 2 },
      { x: width / 20, y: height / 20, label: 'background' }
    ],
    box: [width / 4, height / 4, (3 * width) / 4, (3 * height) / 4]
  })

function scenesAt({ click, corrected, box }: { click: Point; corrected: readonly Point[]; box: Box }): Scene[] {
  return [
    { name: 'click', says: 'one click: whole, part, subpart', prompt: { points: [click] }, masks: 3 },
    { name: 'corrected', says: 'a click, and one on what it is not', prompt: { points: corrected }, masks: 1 },
    { name: 'box', says: 'a box', prompt: { box }, masks: 1 }
  ]
}
