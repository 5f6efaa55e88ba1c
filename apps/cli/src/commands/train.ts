import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Option, type Command } from 'commander'
import { loadClip } from '@sam/clip'
import type { Backend } from '@sam/core'
import {
  checkData,
  dataWorkers,
  heldOut,
  lockFolder,
  NotFinite,
  recipes,
  train,
  type Dataset,
  type FolderLock,
  type LoadExample,
  type RunOptions,
  type RunResult,
  type StepProgress,
  type TrainingHooks
} from '@sam/train'
import type { CommonOptions, Context } from '../context.js'
import { dataForms } from '../data.js'
import type { DataWorkerInput } from '../data-worker.js'
import { CliError } from '../failure.js'
import { outputFolder, writeOutput } from '../files.js'
import { clipFirstPrompt } from '../first-prompt.js'
import { meter } from '../meter.js'
import { downloadOption, withCommonOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import {
  clipOf,
  dtypes,
  firstWeights,
  imagesOf,
  knownPlan,
  newPlan,
  planFile,
  refuseExistingRun,
  type Plan,
  type PlanOptions
} from '../plan.js'
import { loadResearch } from '../research.js'
import { json, table } from '../text.js'

/** Where a model can be trained. Each is imported on first use. */
const backends = {
  cpu: async (options: TrainingBackendOptions): Promise<Backend> => (await import('@sam/backend-cpu')).cpu(options),
  cuda: async (options: TrainingBackendOptions): Promise<Backend> => (await import('@sam/backend-cuda')).cuda(options)
}

type TrainingBackendOptions = { readonly memory: 'fast'; readonly threads: number | undefined }

interface TrainOptions extends CommonOptions, PlanOptions {
  readonly resume?: true
  readonly threads?: number
  readonly backend: keyof typeof backends
  readonly workers?: number
  readonly evalEvery: number
  readonly saveEvery: number
}

/** `sam train`: a model of one's own, or a given model's decoder fitted to one's own images. */
export function addTrain(program: Command, context: Context): void {
  withCommonOptions(
    program.command('train').description("train a model, or fine-tune a model's decoder on your images")
  )
    .requiredOption('--out <folder>', 'folder of the run: checkpoint, model, log, curves, example predictions')
    .option('--resume', 'continue the run in --out; the result is the same as without the stop')
    .option('--recipe <name>', `what to train, and how: ${Object.keys(recipes).join(', ')}`)
    .option(
      '--config <file>',
      'a .json file that overrides settings of the recipe, for example { "batch": 8, "schedule": { "rate": 1e-3 } }'
    )
    .option('--data <images>', dataForms)
    .option(
      '--held-out <images>',
      'images for evaluation during training (default: scenes of another seed, or the last 10% of your images)'
    )
    .option(
      '--checkpoint <file>',
      'initial weights: a SAM or an MAE-pretrained encoder (default: random; for finetuneDecoder, the bundled tiny model)'
    )
    .addOption(downloadOption())
    .option(
      '--clip <folder>',
      "for recipes with text prompts: folder of the CLIP that embeds crops, in Hugging Face's layout (default: that of the tiny model)"
    )
    .option(
      '--iterations <n>',
      'length of the run; the learning-rate schedule is scaled to it',
      wholeNumber('--iterations')
    )
    .option('--seed <n>', 'random seed (default: 1)', wholeNumber('--seed', { least: 0 }))
    .addOption(
      new Option('--dtype <type>', 'data type of the weights in model.safetensors (default: f16)').choices(
        Object.keys(dtypes)
      )
    )
    .addOption(new Option('--backend <name>', 'where to run').choices(Object.keys(backends)).default('cpu'))
    .option('--threads <n>', 'CPU threads (default: all cores)', wholeNumber('--threads', { most: 1024 }))
    .option(
      '--workers <n>',
      'data workers: threads that load and crop images while the device trains (default: one less than the CPU cores for cuda, 0 for cpu)',
      wholeNumber('--workers', { least: 0, most: 1024 })
    )
    .option(
      '--eval-every <n>',
      'iterations between evaluations on held-out images; 0: no evaluation',
      wholeNumber('--eval-every', { least: 0 }),
      500
    )
    .option('--save-every <n>', 'iterations between checkpoints', wholeNumber('--save-every'), 250)
    .addHelpText('after', help)
    .action((options: TrainOptions) => run(options, context))
}

const help = `
  sam train --recipe finetuneDecoder --data folder:mine --out runs/mine      # minutes; mine/images/a.jpg, mine/masks/a.png, a_1.png …
  sam train --recipe vitB --data sa1b:sa1b --checkpoint mae.pth --out runs/b # the whole model, from an MAE-pretrained encoder
  sam train --recipe text --data sa1b:sa1b --clip clip-vit-l-14-336 …        # text prompts (paper, D.5)
  sam train --resume --out runs/mine                                         # after Ctrl-C, a full disk or a power cut`

interface Training {
  readonly plan: Plan
  readonly backend: Backend
  readonly data: Dataset
  readonly held: Dataset | undefined
  readonly weights: RunOptions['weights']
  readonly lock: FolderLock
  readonly hooks: TrainingHooks
  readonly loadExample: LoadExample | undefined
}

async function run(options: TrainOptions, context: Context): Promise<void> {
  const { out, resume, evalEvery } = options
  const plan = await (resume ? knownPlan(options) : newPlan(options))
  const { data, held } = await imagesOf(plan)
  await checkData(data, plan.recipe.config)
  if (evalEvery && held) await checkData(held, plan.recipe.config)
  if (evalEvery && !held)
    context
      .progress(options)
      .note('fewer than ten images: none is held out, and nothing is evaluated while training; see --held-out')
  const { images = 0, masks = 0 } = data.skipped ?? {}
  if (images || masks)
    context.progress(options).note(`not used: ${images} images without masks, ${masks} masks without an image`)
  const weights = existsSync(join(out, 'checkpoint.safetensors')) ? undefined : await firstWeights(plan, options)
  await outputFolder(out)
  const lock = await lockFolder(out)
  try {
    // Another training may have saved a run since the plan was made.
    if (!resume) refuseExistingRun(out)
    await start({ plan, data, held: evalEvery ? held : undefined, weights, lock }, options, context)
  } finally {
    await lock.release()
  }
}

async function start(
  { plan, ...rest }: Pick<Training, 'plan' | 'data' | 'held' | 'weights' | 'lock'>,
  options: TrainOptions,
  context: Context
): Promise<void> {
  const { out, threads, workers = options.backend === 'cuda' ? availableParallelism() - 1 : 0 } = options
  const { signal } = context
  await writeOutput(planFile(out), [new TextEncoder().encode(json(plan))], signal)

  const backend = await backends[options.backend]({ memory: 'fast', threads })
  const clip = plan.recipe.text && (await loadClip({ model: clipOf(plan.clip), backend, signal }))
  const extra = (await loadResearch())?.hooks(plan.recipe)
  const hooks: TrainingHooks = {
    ...extra,
    firstPrompt: clip && { ...clipFirstPrompt(clip), ...extra?.firstPrompt }
  }
  const given: DataWorkerInput = { plan, clip: clip?.config }
  const loading =
    workers > 0
      ? dataWorkers(
          Array.from(
            { length: workers },
            () => new Worker(new URL('../data-worker.js', import.meta.url), { workerData: given })
          ),
          rest.data
        )
      : undefined
  try {
    await training({ plan, backend, ...rest, hooks, loadExample: loading?.loadExample }, options, context)
  } finally {
    loading?.dispose()
    await clip?.dispose()
    backend.dispose()
  }
}

async function training(
  { plan, backend, data, held, weights, lock, hooks, loadExample }: Training,
  options: TrainOptions,
  context: Context
): Promise<void> {
  const { recipe, seed, dtype, data: source } = plan
  const { out: folder, evalEvery, saveEvery } = options
  const { signal, terminal } = context
  const progress = context.progress(options)
  const found: Found = { skipped: 0, skippedMasks: 0, scores: undefined }
  const result = await progress
    .step(`training ${recipe.name} in ${folder}`, tell => {
      const show = meter({
        iterations: recipe.schedule.iterations,
        tell,
        note: terminal.spinner ? undefined : line => progress.note(line)
      })
      return train({
        recipe,
        data,
        backend,
        folder,
        lock,
        seed,
        ...hooks,
        loadExample,
        saveEvery,
        signal,
        dtype: dtypes[dtype],
        evaluateEvery: evalEvery || Infinity,
        // A path of this computer is nobody else's business; scenes can be made again anywhere.
        ...(source.startsWith('scenes') && { notes: { data: source } }),
        ...(weights && { weights }),
        ...(held && { evaluate: heldOut({ data: held, backend, folder, signal }) }),
        onStep(step) {
          found.skipped += step.skipped
          found.skippedMasks += step.skippedMasks
          found.scores = step.evaluation ?? found.scores
          show(step)
        }
      })
    })
    .catch((error: unknown): never => {
      if (error instanceof NotFinite)
        throw new CliError(
          'E_NOT_FINITE',
          `${error.message}. The batch is in ${join(folder, 'not-finite.safetensors')}`,
          { cause: error }
        )
      throw error
    })
  if (!result.finished) {
    throw new CliError(
      'E_ABORTED',
      `stopped after iteration ${result.iteration} of ${recipe.schedule.iterations}, which is saved; to continue: sam train --resume --out ${/\s/.test(folder) ? `"${folder}"` : folder}`
    )
  }
  terminal.out(
    options.json
      ? json({
          folder,
          ...result,
          skipped: found.skipped,
          skippedMasks: found.skippedMasks,
          heldOut: found.scores ?? null
        })
      : summaryOf(result, found, folder)
  )
}

interface Found {
  /** Samples skipped. */
  skipped: number
  /** Masks of other samples skipped, each time that their image was used. */
  skippedMasks: number
  /** The last evaluation. */
  scores: StepProgress['evaluation']
}

function summaryOf({ model, iteration }: RunResult, { skipped, skippedMasks, scores }: Found, folder: string): string {
  const rows = Object.entries(scores ?? {}).map(([key, iou]) => [scoreNames[key] ?? key, iou.toFixed(3)])
  return (
    `${iteration} iterations${skipped ? `; ${skipped} samples skipped, unusable or without a usable mask` : ''}` +
    `${skippedMasks ? `; ${skippedMasks} unusable masks of other samples skipped` : ''}\n` +
    (rows.length ? table('lr', [['held out', 'mean IoU'], ...rows]) : '') +
    `${model}\n${join(folder, 'curves.svg')}\n`
  )
}

const scoreNames: Readonly<Record<string, string>> = {
  heldOutClick: 'one click',
  heldOutOracle: 'one click, best of three',
  heldOutBox: 'box',
  heldOutClicks: 'five clicks'
}
