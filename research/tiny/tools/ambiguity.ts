/**
 * An ablation of the ambiguity-aware design: `node tools/run.js research/tiny/tools/ambiguity.ts --folder FOLDER
 * [--iterations N] [--objects N] [--threads N]`. Mask tokens, hypernetworks and IoU head of the embedded model are
 * reinitialised and trained twice on the same scenes in the same order: with one output mask for an ambiguous prompt,
 * and with three of which only the lowest loss is trained. The encoder is frozen, so that minutes are enough. Both are
 * evaluated on the same held-out objects. Prints a Markdown table. The folder keeps the runs: a second call resumes
 * them. Paper: Section 3, "Resolving ambiguity", and Appendix A, "Making the model ambiguity-aware".
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { loadSam, openWeights } from '@sam/core'
import type { Backend } from '@sam/core/graph'
import { tinyModel } from '@sam/model-tiny'
import { scenes } from '@sam/scenes'
import { evaluate, initialParams, readParams, train, views, type Evaluation, type Recipe } from '@sam/train'
import { tinyFine } from '../src/recipes.js'

const {
  values: { folder, iterations, objects, threads }
} = parseArgs({
  options: {
    folder: { type: 'string' },
    iterations: { type: 'string', default: '500' },
    objects: { type: 'string', default: '300' },
    threads: { type: 'string', default: '1' }
  }
})
if (folder === undefined) throw new Error('name a folder for the two runs: --folder FOLDER')

const [size, trainedOn, heldOut] = [256, 1002, 2002]
const reinitialised = /^mask_decoder\.(mask_tokens|iou_token|output_hypernetworks_mlps|iou_prediction_head)/

const recipeOf = (multimaskOutputs: number): Recipe => ({
  ...tinyFine,
  name: `ambiguity-${multimaskOutputs}`,
  frozenEncoder: true,
  objects: 4,
  config: { ...tinyModel().config, decoder: { ...tinyModel().config.decoder, multimaskOutputs } },
  schedule: {
    rate: 1e-3,
    warmup: 20,
    steps: [0.8, 0.95].map(part => Math.round(part * Number(iterations))),
    iterations: Number(iterations)
  }
})

async function trained(masks: number, backend: Backend): Promise<Evaluation> {
  const recipe = recipeOf(masks)
  const source = await openWeights(tinyModel().weights)
  const known = await readParams(source, tinyModel().config)
  await source.close()
  const weights = Object.fromEntries(
    Object.entries(initialParams(recipe.config, 1)).map(([name, fresh]) => [
      name,
      reinitialised.test(name) ? fresh : known[name]
    ])
  )
  const data = views(scenes({ size, seed: trainedOn }), { among: 128, seed: trainedOn })
  const { model } = await train({
    recipe,
    data,
    backend,
    weights,
    folder: join(folder!, String(masks)),
    dtype: 'F32',
    onStep: ({ iteration, loss, firstIou }) => {
      if (iteration % 50 === 0)
        console.error(`${masks}: iteration ${iteration}, loss ${loss.toFixed(3)}, first IoU ${firstIou.toFixed(3)}`)
    }
  })
  const sam = await loadSam({ weights: model, backend })
  try {
    return await evaluate({ sam, data: scenes({ size, seed: heldOut }), objects: Number(objects), clicks: 5 })
  } finally {
    await sam.dispose()
  }
}

const backend = await cpu({ memory: 'fast', threads: Number(threads) })
const [one, three] = [await trained(1, backend), await trained(3, backend)]
backend.dispose()

const rows: readonly (readonly [string, (e: Evaluation) => number | undefined])[] = [
  ['one click, the mask that the model ranks first', e => e.oneClick.all.predicted],
  ['one click, best of its masks', e => e.oneClick.all.oracle],
  ['one click, the nearest of the objects under it', e => e.nearest],
  ['box', e => e.box.predicted],
  [`${one.clicks.length} clicks`, e => e.clicks.at(-1)],
  ...['all', 'whole', 'part', 'subpart'].map(
    level =>
      [
        `recall of ambiguous clicks (IoU ≥ 0.75), ${level}`,
        (e: Evaluation) => e.ambiguous.recall[level]?.share
      ] as const
  )
]
console.log(
  `${one.objects} held-out objects, ${one.ambiguous.clicks} ambiguous clicks; mean IoU where nothing else is given\n`
)
console.log('| | one mask | three masks |\n| --- | --- | --- |')
for (const [what, of] of rows)
  console.log(`| ${what} | ${[one, three].map(e => of(e)?.toFixed(3) ?? '').join(' | ')} |`)
