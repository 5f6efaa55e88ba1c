import { join } from 'node:path'
import { type Command } from 'commander'
import { clickCurve, evaluate, type Evaluation, type Score } from '@sam/train'
import type { Context } from '../context.js'
import { dataForms, openData } from '../data.js'
import { checkOutputFolder, writeResults } from '../files.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { usage } from '../failure.js'
import { wholeNumber } from '../numbers.js'
import { json, percent, table } from '../text.js'

interface EvalOptions extends ModelOptions {
  readonly data?: string
  readonly objects: number
  readonly clicks: number
  readonly out?: string
}

/** Scenes to evaluate on: a seed that no training uses, and one size for all models. */
const heldOut = { seed: 9001, size: 256 }

/** `sam eval`: mean IoU of a model from clicks and boxes, on images with ground-truth masks. */
export function addEval(program: Command, context: Context): void {
  withModelOptions(
    program
      .command('eval')
      .description('mean IoU from clicks and boxes, on images with ground-truth masks')
      .argument('[folder]', 'a folder with images/ and masks/: short for --data folder:FOLDER')
  )
    .option('--data <images>', `${dataForms} (default: scenes:${heldOut.seed})`)
    .option('--objects <n>', 'maximum number of objects', wholeNumber('--objects'), 500)
    .option('--clicks <n>', 'clicks per object', wholeNumber('--clicks', { most: 100 }), 9)
    .option('--out <folder>', 'folder for evaluation.json and clicks.svg')
    .action((folder: string | undefined, options: EvalOptions) => run(folder, options, context))
}

async function run(folder: string | undefined, options: EvalOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  if (folder !== undefined && options.data !== undefined) throw usage('give a folder or --data, not both')
  const images = folder === undefined ? (options.data ?? `scenes:${heldOut.seed}`) : `folder:${folder}`
  const data = await openData(images, heldOut)
  const { out } = options
  if (out !== undefined) await checkOutputFolder(out)
  await withModel(options, context, async (sam, { backend }) => {
    const evaluation = await context.progress(options).step(`evaluating on ${images}`, tell =>
      evaluate({
        sam,
        data,
        objects: options.objects,
        clicks: options.clicks,
        signal,
        onProgress: done => tell(`${done} of ${options.objects} objects`)
      })
    )
    const result = json({
      data: images,
      model: sam.config.name,
      checkpoint: options.checkpoint ?? null,
      backend,
      ...evaluation
    })
    if (out !== undefined)
      await writeResults(
        out,
        async write => {
          await write(join(out, 'evaluation.json'), [new TextEncoder().encode(result)])
          await write(join(out, 'clicks.svg'), [new TextEncoder().encode(clickCurve(evaluation))])
        },
        signal
      )
    terminal.out(options.json ? result : evaluationTables(evaluation))
  })
}

/** The evaluation as tables. */
export function evaluationTables({
  images,
  objects,
  skipped,
  clicks,
  oneClick,
  nearest,
  box,
  clicksTo,
  ambiguous
}: Evaluation): string {
  const score = (name: string, { objects: n, predicted, oracle }: Score): string[] => [
    name,
    String(n),
    predicted.toFixed(3),
    oracle.toFixed(3)
  ]
  return [
    `${objects} objects of ${images} images; skipped: ${skipped.images} images, ${skipped.masks} masks\n`,
    table('lrrr', [
      ['mean IoU', 'objects', 'highest predicted IoU', 'best of three'],
      ...Object.entries(oneClick).map(([kind, s]) => score(`one click, ${kind}`, s)),
      ['one click, best-matching object', String(objects), nearest.toFixed(3)],
      score('box', box),
      ['box, single mask', String(objects), box.single.toFixed(3)]
    ]),
    table(`l${'r'.repeat(clicks.length)}`, [
      ['clicks', ...clicks.map((_, i) => String(i + 1))],
      ['mean IoU', ...clicks.map(iou => iou.toFixed(3))]
    ]),
    table('lrr', [
      ['clicks to reach', 'mean', 'objects that reach it'],
      ...Object.entries(clicksTo).map(([iou, to]) => [`IoU ${iou}`, to.clicks.toFixed(2), percent(to.reached)])
    ]),
    table('lrr', [
      [`recalled from ${ambiguous.clicks} ambiguous clicks`, 'objects', 'IoU ≥ 0.75'],
      ...Object.entries(ambiguous.recall).map(([level, { objects: n, share }]) => [level, String(n), percent(share)])
    ])
  ].join('\n')
}
