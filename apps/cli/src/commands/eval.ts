import { join } from 'node:path'
import { type Command } from 'commander'
import { clickCurve, evaluate, type Evaluation, type Score } from '@sam/train'
import type { Context } from '../context.js'
import { dataForms, openData } from '../data.js'
import { outputFolder, writeOutput } from '../files.js'
import { withModel, withModelOptions, type ModelOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import { json, percent, table } from '../text.js'

interface EvalOptions extends ModelOptions {
  readonly data: string
  readonly objects: number
  readonly clicks: number
  readonly out?: string
}

/** Scenes to judge models by: of a seed that nothing is trained on, of one size whatever the model. */
const heldOut = { seed: 9001, size: 256 }

/** `sam eval`: how well a model answers clicks and boxes on images whose masks are known. */
export function addEval(program: Command, context: Context): void {
  withModelOptions(
    program
      .command('eval')
      .description('how well a model answers clicks and boxes: mean IoU on images whose masks are known')
  )
    .option('--data <images>', dataForms, `scenes:${heldOut.seed}`)
    .option('--objects <n>', 'objects at most', wholeNumber('--objects'), 500)
    .option('--clicks <n>', 'clicks an object', wholeNumber('--clicks', { most: 100 }), 9)
    .option('--out <folder>', 'also write evaluation.json and clicks.svg there')
    .action((options: EvalOptions) => run(options, context))
}

async function run(options: EvalOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const data = await openData(options.data, heldOut)
  if (options.out !== undefined) await outputFolder(options.out)
  await withModel(options, context, async sam => {
    const evaluation = await context.progress(options).step(`evaluating on ${options.data}`, tell =>
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
      data: options.data,
      model: sam.config.name,
      checkpoint: options.checkpoint ?? null,
      backend: options.backend,
      ...evaluation
    })
    if (options.out !== undefined) {
      for (const [name, text] of [
        ['evaluation.json', result],
        ['clicks.svg', clickCurve(evaluation)]
      ] as const) {
        await writeOutput(join(options.out, name), [new TextEncoder().encode(text)], signal)
      }
    }
    terminal.out(options.json ? result : evaluationTables(evaluation))
  })
}

/** The same for people. */
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
    `${objects} objects of ${images} images; passed over: ${skipped.images} images, ${skipped.masks} masks\n`,
    table('lrrr', [
      ['mean IoU', 'objects', 'predicted choice', 'best of three'],
      ...Object.entries(oneClick).map(([kind, s]) => score(`one click, ${kind}`, s)),
      ['one click, whatever object it may mean', String(objects), nearest.toFixed(3)],
      score('box', box)
    ]),
    table(`l${'r'.repeat(clicks.length)}`, [
      ['clicks', ...clicks.map((_, i) => String(i + 1))],
      ['mean IoU', ...clicks.map(iou => iou.toFixed(3))]
    ]),
    table('lrr', [
      ['clicks to reach', 'mean', 'objects that do'],
      ...Object.entries(clicksTo).map(([iou, to]) => [`IoU ${iou}`, to.clicks.toFixed(2), percent(to.reached)])
    ]),
    table('lrr', [
      [`recalled from ${ambiguous.clicks} ambiguous clicks`, 'objects', 'IoU ≥ 0.75'],
      ...Object.entries(ambiguous.recall).map(([level, { objects: n, share }]) => [level, String(n), percent(share)])
    ])
  ].join('\n')
}
