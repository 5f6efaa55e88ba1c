import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { layoutFiles } from '@sam/clip'
import { memoryWeights, storedIn, writeFileAtomic, writeSafetensors } from '@sam/core'
import { f32, InputError, match, WeightsError, type Backend, type HostTensor } from '@sam/core/graph'
import { readCheckpoint, saveCheckpoint } from '../checkpoint.js'
import type { Dataset } from '../data/dataset.js'
import { openLog } from '../log.js'
import { learningRate } from '../optim/schedule.js'
import { stateOf } from '../state.js'
import { tellingDetail } from '../text/naming.js'
import { contestsOf, contrastiveBatches, type ContrastiveFeeds } from './batches.js'
import { aligned, embeddingPairs } from './align.js'
import { whitenedPatches } from './patches.js'
import type { ClipRecipe } from './recipe.js'
import { clipShapes, contrastiveStep, initialClip, patchesName, scaleName } from './step.js'

export interface ClipRunOptions {
  readonly recipe: ClipRecipe
  /** Samples that say what their masks are of: generated scenes. */
  readonly data: Dataset
  readonly backend: Backend
  /**
   * Where the run lives: `checkpoint.safetensors`, `log.jsonl`, and the CLIP as `loadClip` takes it in `clip/`. A run
   * that is there already is gone on with.
   */
  readonly folder: string
  /** Params of a CLIP of the recipe's shape that a new run begins with. Default: fresh ones. */
  readonly weights?: Readonly<Record<string, HostTensor>> | undefined
  /** Default 1. */
  readonly seed?: number
  /** Steps between checkpoints; default 100. */
  readonly saveEvery?: number
  readonly onStep?: (report: ClipStepReport) => void
  /** Stops after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** What one step showed. */
export interface ClipStepReport extends Readonly<Record<string, number>> {
  /** From 1. */
  readonly iteration: number
  readonly rate: number
  readonly loss: number
  readonly gradientNorm: number
  /**
   * Share of the crops whose likeliest phrase of the batch is true of them; and likewise among words for kinds, for
   * colours, for patterns.
   */
  readonly named: number
  readonly kind: number
  readonly color: number
  readonly pattern: number
}

/**
 * Trains a CLIP in a folder, from where its checkpoint is to the end of the recipe or to the signal. All randomness is
 * a function of the seed and the step, so stopped and resumed a run ends with the same numbers. The finished CLIP is
 * `aligned`. Throws `InputError` `E_BAD_OPTION` where the folder's run is of another recipe, or the loss is not a
 * number (the last checkpoint stays); `WeightsError` for files.
 */
export async function trainClip({
  recipe,
  data,
  backend,
  folder,
  weights,
  seed: given = 1,
  saveEvery = 100,
  onStep,
  signal
}: ClipRunOptions): Promise<{ iteration: number; finished: boolean; clip: string }> {
  const clip = join(folder, 'clip')
  await mkdir(clip, { recursive: true }).catch((cause: Error) => {
    throw new WeightsError('E_WEIGHTS_IO', `${folder}: ${cause.message}`, { cause })
  })
  const path = join(folder, 'checkpoint.safetensors')
  const begun = await stat(path).then(
    () => true,
    () => false
  )
  const from = begun
    ? await readCheckpoint(path)
    : {
        iteration: 0,
        seed: given,
        recipe: recipe.name,
        state: weights ?? (await freshClip(recipe, contrastiveBatches(data, recipe, given), given))
      }
  if (from.recipe !== recipe.name)
    throw new InputError(
      'E_BAD_OPTION',
      `${path} is of a run of the recipe ${from.recipe}, found ${recipe.name}; begin in another folder`
    )
  const shapes = clipShapes(recipe.config)
  match(
    [...shapes].map(([name, shape]) => ({ name, shape })),
    memoryWeights(from.state, path),
    { allowUnexpected: true }
  )

  const { seed } = from
  const graph = contrastiveStep(recipe)
  const executable = await backend.compile(graph, memoryWeights({}))
  const state = stateOf(graph, from.state, new Set(shapes.keys()))
  const log = await openLog(join(folder, 'log.jsonl'), entry => begun && entry.iteration <= from.iteration)
  const batches = contrastiveBatches(data, recipe, seed)
  const {
    schedule: { iterations },
    adamw: { beta1, beta2 }
  } = recipe
  let done = from.iteration

  const save = async (): Promise<void> => {
    const all = await state.read()
    await saveCheckpoint(path, { iteration: done, seed, recipe: recipe.name, state: all })
    await saveClip(clip, recipe, all)
  }
  /**
   * What a run ends with: aligned by the batches that would have come next, and phrases that tell one thing from
   * others.
   */
  const atRest = async (params: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> => {
    const measured: ContrastiveFeeds[] = []
    const telling = contrastiveBatches(data, { ...recipe, detail: tellingDetail, worn: 0 }, seed)
    for (let i = 0; i < alignedBatches; i++) measured.push(await telling(iterations + i))
    return aligned(params, await embeddingPairs(params, measured, { recipe, backend }))
  }
  try {
    let next = batches(done)
    const start = performance.now()
    while (done < iterations && !signal?.aborted) {
      const feeds = await next
      const rate = learningRate(recipe.schedule, done)
      const running = executable.run({
        ...state.feeds(graph),
        ...feeds,
        rate: f32([], [rate]),
        correction: f32([2], [1 - beta1 ** (done + 1), 1 - beta2 ** (done + 1)])
      })
      // While the device computes, the host cuts the next crops.
      next = batches(done + 1)
      next.catch(() => {})
      const outputs = await running
      const [loss, norm, logits] = await Promise.all(
        [outputs.loss, outputs.gradient_norm, outputs.logits].map(async t => (await t.read()).data)
      )
      const report: ClipStepReport = {
        iteration: done + 1,
        rate,
        loss: loss[0],
        gradientNorm: norm[0],
        ...right(logits, feeds, recipe)
      }
      if (!Number.isFinite(report.loss + report.gradientNorm)) {
        throw new InputError(
          'E_BAD_OPTION',
          `step ${report.iteration}: loss ${report.loss}, gradient norm ${report.gradientNorm}; training stops, the last checkpoint stays. Lower the rate`
        )
      }
      state.advance(outputs)
      for (const t of [outputs.loss, outputs.gradient_norm, outputs.logits]) t.dispose()
      done++
      await log.append({ ...report, seconds: Math.round((performance.now() - start) / 1000) })
      onStep?.(report)
      if (done % saveEvery === 0) await save()
    }
    await save()
    if (done >= iterations) await saveClip(clip, recipe, await atRest(await state.read()))
    return { iteration: done, finished: done >= iterations, clip }
  } finally {
    executable.dispose()
    state.dispose()
  }
}

/** Batches whose crops and phrases are aligned. */
const alignedBatches = 40
/** Batches whose patches are whitened, of other scenes each. */
const whitenedBatches = 24

/** What a run begins with. */
async function freshClip(
  recipe: ClipRecipe,
  batches: (step: number) => Promise<ContrastiveFeeds>,
  seed: number
): Promise<Record<string, HostTensor>> {
  const shown: ContrastiveFeeds[] = []
  for (let i = 0; i < whitenedBatches; i++) shown.push(await batches(i * recipe.steps))
  return { ...initialClip(recipe.config, seed), [patchesName]: whitenedPatches(shown, recipe.config) }
}

/** A CLIP as `loadClip` and transformers.js' tokenizer take it, its numbers in half precision. */
export async function saveClip(
  folder: string,
  { config, tokenizer, largestScale }: Pick<ClipRecipe, 'config' | 'tokenizer' | 'largestScale'>,
  state: Readonly<Record<string, HostTensor>>
): Promise<void> {
  const scale = f32([], [Math.min(Number(state[scaleName].data[0]), Math.log(largestScale))])
  const params = memoryWeights({
    ...Object.fromEntries([...clipShapes(config).keys()].map(name => [name, state[name]])),
    [scaleName]: scale
  })
  await writeFileAtomic(
    join(folder, 'model.safetensors'),
    writeSafetensors(storedIn(params, 'F16'), { metadata: { format: 'pt' } })
  )
  for (const [name, content] of Object.entries(layoutFiles(config, tokenizer))) {
    await writeFileAtomic(join(folder, name), [new TextEncoder().encode(JSON.stringify(content))])
  }
}

/** Of each contest, the share of crops that choose well, among those that have a right choice. */
function right(
  logits: ArrayLike<number>,
  {
    matches: {
      data,
      shape: [batch, texts]
    }
  }: ContrastiveFeeds,
  recipe: ClipRecipe
): Pick<ClipStepReport, 'named' | 'kind' | 'color' | 'pattern'> {
  let start = 0
  const [named, kind, color, pattern] = contestsOf(recipe).map(size => {
    let [found, able] = [0, 0]
    for (let i = 0; i < batch; i++) {
      const choices = Array.from({ length: size }, (_, k) => i * texts + start + k).filter(j => data[j] >= 0)
      if (!choices.some(j => data[j])) continue
      able++
      found += data[choices.reduce((best, j) => (logits[j] > logits[best] ? j : best))]
    }
    start += size
    return found / Math.max(1, able)
  })
  return { named, kind, color, pattern }
}
