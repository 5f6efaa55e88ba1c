import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { layoutFiles } from '@sam/clip'
import { memoryWeights, f32, InputError, match, WeightsError, type Backend, type HostTensor } from '@sam/core/graph'
import { storedIn, writeFileAtomic, writeSafetensors } from '@sam/core/model'
import type { Dataset } from '@sam/train'
import {
  checkMoments,
  learningRate,
  openLog,
  readCheckpoint,
  saveCheckpoint,
  stateOf,
  trainLoop,
  type LoopTrainer,
  type State
} from '@sam/train/toolkit'
import { distinctDetail } from '../text/naming.js'
import type { DescribedTruth } from '../text/phrase.js'
import { contrastiveBatches, labelGroupsOf, type ContrastiveFeeds } from './batches.js'
import { correctModalityGap, embeddingPairs } from './modality-gap.js'
import type { ClipRecipe } from './recipe.js'
import { clipShapes, contrastiveStep, initialClip, patchesName, scaleName } from './step.js'
import { whitenedPatchEmbed } from './whitened-patches.js'

export interface ClipRunOptions {
  readonly recipe: ClipRecipe
  /** Generated scenes, whose masks are described. */
  readonly data: Dataset<DescribedTruth>
  readonly backend: Backend
  /**
   * Folder of `checkpoint.safetensors`, `log.jsonl`, and in `clip/` the CLIP as `loadClip` takes it. A run that it
   * already holds is resumed.
   */
  readonly folder: string
  /** Initial params of the recipe's CLIP. Default: random ones. */
  readonly weights?: Readonly<Record<string, HostTensor>> | undefined
  /** Default: 1. */
  readonly seed?: number
  /** Iterations between checkpoints. Default: 100. */
  readonly saveEvery?: number
  readonly onStep?: (report: ClipStepReport) => void
  /** Stops after the current iteration, with a checkpoint. */
  readonly signal?: AbortSignal
}

/** What one iteration reports. */
export interface ClipStepReport extends Readonly<Record<string, number>> {
  /** From 1. */
  readonly iteration: number
  readonly rate: number
  readonly loss: number
  readonly gradientNorm: number
  /** Accuracy of a crop's likeliest phrase of the batch, and of its likeliest kind, colour and pattern. */
  readonly named: number
  readonly kind: number
  readonly color: number
  readonly pattern: number
}

/**
 * Trains a CLIP in a folder, from its checkpoint to the end of the recipe or to the signal, with the loop that trains
 * SAM. All randomness is a function of the seed and the iteration: stopped and resumed, a run ends with the same
 * weights. The finished CLIP has its modality gap corrected. Throws `InputError` `E_BAD_OPTION` where the folder holds
 * a run of another recipe or optimizer, or the loss is not finite (the last checkpoint is kept); `WeightsError` for
 * files.
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
  const isResumed = await stat(path).then(
    () => true,
    () => false
  )
  const start = isResumed
    ? await readCheckpoint(path)
    : {
        iteration: 0,
        seed: given,
        recipe: recipe.name,
        state: weights ?? (await initialState(recipe, contrastiveBatches(data, recipe, given), given))
      }
  if (start.recipe !== recipe.name)
    throw new InputError(
      'E_BAD_OPTION',
      `${path} must be resumed with its recipe ${start.recipe}, found ${recipe.name}; use that recipe, or ` +
        'another folder'
    )
  match(
    [...clipShapes(recipe.config)].map(([name, shape]) => ({ name, shape })),
    memoryWeights(start.state, path),
    { allowUnexpected: true }
  )
  const { seed } = start
  const { iterations } = recipe.schedule
  const log = await openLog(join(folder, 'log.jsonl'), entry => isResumed && entry.iteration <= start.iteration)
  const trainer = await clipTrainer({ recipe, data, backend, seed, start })
  try {
    const iteration = await trainLoop({
      trainer,
      iterations,
      saveEvery,
      signal,
      async save() {
        const state = await trainer.state.read()
        await saveCheckpoint(path, { iteration: trainer.iteration, seed, recipe: recipe.name, state })
        await saveClip(clip, recipe, state)
      },
      async log(report, { seconds }) {
        await log.append({ ...report, seconds: Math.round(seconds) })
        onStep?.(report)
      }
    })
    const finished = iteration >= iterations
    if (finished) {
      const params = await trainer.state.read()
      // The next batches, with phrases that distinguish an object from the others of its scene.
      const next = contrastiveBatches(data, { ...recipe, detail: distinctDetail, perturb: 0 }, seed)
      const batches: ContrastiveFeeds[] = []
      for (let i = 0; i < gapBatches; i++) batches.push(await next(iterations + i))
      const pairs = await embeddingPairs(params, batches, { recipe, backend })
      await saveClip(clip, recipe, correctModalityGap(params, pairs))
    }
    return { iteration, finished, clip }
  } finally {
    trainer.dispose()
  }
}

/** Batches that the modality gap is measured on. */
const gapBatches = 40
/** Batches, each of other scenes, for the whitened patch embedding. */
const whitenedBatches = 24

interface ClipTrainer extends LoopTrainer<ClipStepReport> {
  readonly state: State
  dispose(): void
}

async function clipTrainer({
  recipe,
  data,
  backend,
  seed,
  start
}: Pick<ClipRunOptions, 'recipe' | 'data' | 'backend'> & {
  seed: number
  start: { iteration: number; state: Readonly<Record<string, HostTensor>> }
}): Promise<ClipTrainer> {
  const graph = contrastiveStep(recipe)
  const params = new Set(clipShapes(recipe.config).keys())
  if (start.iteration > 0) checkMoments(graph, start.state, params)
  const executable = await backend.compile(graph, memoryWeights({}))
  const state = stateOf(graph, start.state, params)
  const batches = contrastiveBatches(data, recipe, seed)
  const { beta1, beta2 } = recipe.adamw
  let done = start.iteration
  let next: Promise<ContrastiveFeeds> | undefined
  return {
    get iteration() {
      return done
    },
    state,
    async trainStep() {
      const feeds = await (next ?? batches(done))
      const rate = learningRate(recipe.schedule, done)
      const running = executable.run({
        ...state.feeds(graph),
        ...feeds,
        rate: f32([], [rate]),
        correction: f32([2], [1 - beta1 ** (done + 1), 1 - beta2 ** (done + 1)])
      })
      next = batches(done + 1) // on the host, while the device computes
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
        ...accuracies(logits, feeds, recipe)
      }
      if (!Number.isFinite(report.loss + report.gradientNorm))
        throw new InputError(
          'E_BAD_OPTION',
          `iteration ${report.iteration}: loss ${report.loss}, gradient norm ${report.gradientNorm}; training ` +
            'stopped; the last checkpoint is kept. Lower the rate'
        )
      state.advance(outputs)
      for (const t of [outputs.loss, outputs.gradient_norm, outputs.logits]) t.dispose()
      done++
      return report
    },
    dispose() {
      executable.dispose()
      state.dispose()
    }
  }
}

/** Random params, with a whitened patch embedding. */
async function initialState(
  recipe: ClipRecipe,
  batches: (step: number) => Promise<ContrastiveFeeds>,
  seed: number
): Promise<Record<string, HostTensor>> {
  const crops: ContrastiveFeeds[] = []
  for (let i = 0; i < whitenedBatches; i++) crops.push(await batches(i * recipe.steps))
  return { ...initialClip(recipe.config, seed), [patchesName]: whitenedPatchEmbed(crops, recipe.config) }
}

/** Writes a CLIP as `loadClip` and transformers.js' tokenizer take it, in half precision. */
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

/** Accuracy in each label group, over the crops with a true label in it. */
function accuracies(
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
  const [named, kind, color, pattern] = labelGroupsOf(recipe).map(size => {
    let [correct, labelled] = [0, 0]
    for (let i = 0; i < batch; i++) {
      const choices = Array.from({ length: size }, (_, k) => i * texts + start + k).filter(j => data[j] >= 0)
      if (!choices.some(j => data[j])) continue
      labelled++
      correct += data[choices.reduce((best, j) => (logits[j] > logits[best] ? j : best))]
    }
    start += size
    return correct / Math.max(1, labelled)
  })
  return { named, kind, color, pattern }
}
