/**
 * Trains the pair of `@sam/model-tiny`, SAM and CLIP, from scratch: `node tools/run.js research/tiny/run.ts --out
 * FOLDER`.
 *
 * | stage | what is trained | iterations | hours, two cores (estimate) |
 * | --- | --- | ---: | ---: |
 * | clip | CLIP on crops and captions, patches of 8 pixels | 12,400 | 2 |
 * | clip-fine | the same with patches of 4 pixels | 3,300 | 2 |
 * | clicks | SAM on points and boxes, patches of 16 pixels | 5,600 | 4 |
 * | fine | the same with patches of 8 pixels | 200 | 0.3 |
 * | grounding | text as the first prompt | 5,600 | 8 |
 * | text | text, points and boxes with the paper's interaction | 440 | 1 |
 *
 * Options: `--only STAGE`; `--iterations N` per stage, for a trial; `--threads N`; `--seed N`; and for several
 * processes that average their SAMs every N iterations, `--peers FOLDER…` (the others' `--out`) with `--average-every
 * N`. Ctrl-C saves, and the same call resumes. FOLDER/pair then holds `sam-tiny.safetensors` and `clip/`.
 */
import { copyFile, cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { cropFeeds, loadClip } from '@sam/clip'
import { openWeights } from '@sam/core'
import type { HostTensor } from '@sam/core/graph'
import { scenes } from '@sam/scenes'
import { heldOut, readParams, train, views, withIterations } from '@sam/train'
import { clipTiny, clipTinyFine, type ClipRecipe } from './src/contrastive/recipe.js'
import { trainClip } from './src/contrastive/train-clip.js'
import { hooks } from './src/hooks.js'
import { parameterAveraging } from './src/parameter-averaging.js'
import { tiny, tinyFine, tinyGrounding, tinyText, type TinyRecipe } from './src/recipes.js'
import { resampleClip } from './src/resample/clip.js'
import { resampleSam } from './src/resample/sam.js'

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    only: { type: 'string' },
    iterations: { type: 'string' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    peers: { type: 'string', multiple: true, default: [] },
    'average-every': { type: 'string', default: '50' }
  }
})
const { out, only, peers } = options
if (out === undefined) throw new Error('--out must name the folder of the run')
const seed = Number(options.seed)
const folderOf = (stage: string): string => join(out, stage)
const backend = await cpu({ memory: 'fast', threads: Number(options.threads) })
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort())
const { signal } = stop

const shortened = <R extends TinyRecipe>(recipe: R): R =>
  options.iterations === undefined ? recipe : withIterations(recipe, Number(options.iterations))

/** Prints a line per iteration of a short run, else every 50. */
function progress(stage: string, iterations: number): (step: { iteration: number; loss: number }) => void {
  let since = performance.now()
  const every = iterations < 500 ? 1 : 50
  return ({ iteration, loss }) => {
    if (iteration % every) return
    const seconds = (performance.now() - since) / 1000 / every
    since = performance.now()
    console.log(
      `${stage}: ${iteration} of ${iterations}, loss ${loss.toFixed(3)}, ${seconds.toFixed(2)} s per iteration`
    )
  }
}

async function clipStage(stage: string, full: ClipRecipe, from?: string): Promise<void> {
  const iterations = options.iterations === undefined ? full.schedule.iterations : Number(options.iterations)
  const recipe = { ...full, schedule: { ...full.schedule, iterations } }
  // No SAM is trained on these seeds. A crop is 48 pixels wide, so small scenes suffice; half have simple objects.
  const sceneSeed = 2000 + seed
  const data = views(scenes({ size: 160, seed: sceneSeed, simple: 0.5 }), { among: 96, each: 3, seed: sceneSeed })
  const weights =
    from === undefined
      ? undefined
      : resampleClip(await tensorsOf(join(folderOf(from), 'clip', 'model.safetensors')), clipTiny.config, recipe.config)
  const onStep = progress(stage, iterations)
  const { finished } = await trainClip({
    recipe,
    data,
    backend,
    weights,
    seed,
    signal,
    onStep,
    folder: folderOf(stage)
  })
  if (!finished) throw signal.reason
}

async function samStage(stage: string, full: TinyRecipe, { from, simple = 0 }: { from?: TinyRecipe; simple?: number }) {
  const recipe = shortened(full)
  const sceneSeed = 1000 * (1 + stages.findIndex(([name]) => name === stage)) + seed
  const data = views(scenes({ size: 256, seed: sceneSeed, simple }), { among: 64, each: 4, seed: sceneSeed })
  const clip = recipe.text && (await loadClip({ model: join(folderOf('clip-fine'), 'clip'), backend, signal }))
  const own = hooks(recipe)
  const folder = folderOf(stage)
  const { finished } = await train({
    ...own,
    recipe,
    data,
    backend,
    folder,
    seed,
    signal,
    ...(from && { weights: await initialWeights(stage, from, recipe) }),
    firstPrompt: clip && {
      ...own.firstPrompt,
      width: clip.width,
      preprocess: crops => cropFeeds(crops, clip.config),
      embed: crops => clip.embedCropFeeds(crops)
    },
    ...(options.iterations === undefined && {
      evaluate: heldOut({ data: scenes({ size: 256, seed: 9001 }), backend, folder, signal })
    }),
    ...(peers.length && {
      afterStep: parameterAveraging({
        folder,
        peers: peers.map(peer => join(peer, stage)),
        every: Number(options['average-every']),
        signal
      })
    }),
    onStep: progress(stage, recipe.schedule.iterations)
  })
  await clip?.dispose()
  if (!finished) throw signal.reason
}

/** The params of the previous stage, resampled if its patches are larger. */
async function initialWeights(stage: string, from: TinyRecipe, to: TinyRecipe): Promise<Record<string, HostTensor>> {
  const before = stages[stages.findIndex(([name]) => name === stage) - 1][0]
  const source = await openWeights(join(folderOf(before), 'model.safetensors'))
  try {
    const params = await readParams(source, from.config)
    return from.config.name === to.config.name ? params : resampleSam(params, from.config, to.config)
  } finally {
    await source.close()
  }
}

async function tensorsOf(path: string): Promise<Record<string, HostTensor>> {
  const source = await openWeights(path)
  try {
    const tensors: Record<string, HostTensor> = {}
    for (const name of source.names) tensors[name] = await source.read(name)
    return tensors
  } finally {
    await source.close()
  }
}

const stages: readonly (readonly [string, () => Promise<void>])[] = [
  ['clip', () => clipStage('clip', clipTiny)],
  ['clip-fine', () => clipStage('clip-fine', clipTinyFine, 'clip')],
  ['clicks', () => samStage('clicks', tiny, {})],
  ['fine', () => samStage('fine', tinyFine, { from: tiny })],
  ['grounding', () => samStage('grounding', tinyGrounding, { from: tinyFine, simple: 0.5 })],
  ['text', () => samStage('text', tinyText, { from: tinyGrounding, simple: 0.3 })]
]

await mkdir(out, { recursive: true })
for (const [name, run] of stages) if (only === undefined || only === name) await run()
if (only === undefined) {
  await mkdir(join(out, 'pair'), { recursive: true })
  await copyFile(join(folderOf('text'), 'model.safetensors'), join(out, 'pair', 'sam-tiny.safetensors'))
  await cp(join(folderOf('clip-fine'), 'clip'), join(out, 'pair', 'clip'), { recursive: true })
}
backend.dispose()
process.exit(0)
