import {
  finishShard,
  openSource,
  openStorage,
  Results,
  runJob,
  runOnQueue,
  samAnnotator,
  TaskQueue,
  type FinishedShard,
  type Job,
  type Progress,
  type Shard,
  type Source
} from '@sam/jobs'
import type { Command } from 'commander'
import { backendOption } from '../backend.js'
import type { Context } from '../context.js'
import { usage } from '../failure.js'
import { concurrencyOption, describeJob, readJob, withJobModel, type JobOptions } from '../job.js'
import { downloadOption, withCommonOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import { json, oneLine } from '../text.js'

interface AnnotateOptions extends JobOptions {
  readonly job: string
  readonly out: string
  readonly images?: string
  readonly shard: Shard
  readonly concurrency: number
  readonly retryFailed?: true
  readonly queue?: string
  readonly attempts: number
}

/** `sam annotate`: many images, each done once. */
export function addAnnotate(program: Command, context: Context): void {
  withCommonOptions(
    program
      .command('annotate')
      .description('masks of many images; a run that was stopped or killed is continued')
      .argument('<images>', 'a folder, s3://BUCKET/PREFIX, or a manifest (.jsonl or .txt: one image per line)')
  )
    .requiredOption('--job <file>', 'what to do with each image, as YAML or JSON')
    .requiredOption('--out <folder>', 'folder of the results, or s3://BUCKET/PREFIX')
    .option('--images <folder>', 'where the names of a manifest begin (default: its folder)')
    .option('--shard <i/n>', 'part i of n of the images, from 0/n (default: all)', shardOf, { index: 0, count: 1 })
    .addOption(concurrencyOption())
    .option('--retry-failed', 'also try the images that failed before')
    .option('--queue <url>', 'process the images with `sam worker`s: redis://HOST:PORT')
    .option('--attempts <n>', 'with --queue: tries of an image, at growing intervals', wholeNumber('--attempts'), 5)
    .addOption(backendOption())
    .addOption(downloadOption())
    .addHelpText('after', help)
    .action((images: string, options: AnnotateOptions) => annotate(images, options, context))
}

const help = `
The job file has one of: automatic, phrases, prompts; and the model.
  automatic: { pointsPerSide: 16 }        # automatic masks; {} for the defaults
  phrases: { find: [a wheel] }            # the objects that phrases describe; needs clip: FOLDER
  prompts: {}                             # the prompts of each line of the manifest
  model: mobile_sam                       # or checkpoint: FILE
A line of a manifest is a name, or JSON:
  {"image": "a.jpg", "prompts": [{"points": [{"x": 5, "y": 7}], "category": "cat"}, {"box": [1, 2, 30, 40]}]}
Writes <out>/records, a file for each image, and when all are done <out>/annotations-00000-of-00001.jsonl, a line for
each image. An image that fails is reported, and the exit code is then 1. Run the same command again to continue.
  sam annotate photos --job job.yaml --out results
  sam annotate photos --job job.yaml --out results --shard 0/8
  sam annotate photos --job job.yaml --out results --queue redis://localhost:6379`

const shardOf = (text: string): Shard => {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []
  if (index === undefined || Number(index) >= Number(count))
    throw usage(`--shard must be i/n with i from 0 to n - 1, found '${text}'`)
  return { index: Number(index), count: Number(count) }
}

async function annotate(location: string, options: AnnotateOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const progress = context.progress(options)
  const job = await readJob(options.job, signal)
  const source = await openSource(location, { images: options.images, signal })
  const description = await progress.step('reading the weights', () => describeJob(job, options, context))
  const results = await Results.open(await openStorage(options.out), description, signal)
  const { shard, retryFailed = false, queue } = options
  const finish = (): Promise<FinishedShard> => finishShard(source, results, { shard, output: job.output, signal })
  const before = await finish()
  let computed = 0
  if (before.missing || (retryFailed && before.failed)) {
    const work = queue === undefined ? runHere : runThere
    computed = (await work({ job, location, source, results }, options, context)).computed
  }
  const finished = await progress.step('writing the annotations', finish)
  if (finished.failed) context.partlyFailed()
  if (options.json) return terminal.out(json({ out: options.out, ...finished, computed }))
  const failed = finished.failed ? `, ${finished.failed} failed (see "error" in the file)` : ''
  terminal.out(`${oneLine(options.out)}/${finished.file}: ${finished.done} images${failed}\n`)
}

interface Work {
  readonly job: Job
  readonly location: string
  readonly source: Source
  readonly results: Results
}

/** Works on the images in this process. */
async function runHere(
  { job, location, source, results }: Work,
  options: AnnotateOptions,
  context: Context
): Promise<Progress> {
  const { shard, concurrency, retryFailed } = options
  const { signal } = context
  return withJobModel(job, { options, context }, model =>
    context
      .progress(options)
      .step(`annotating ${location}`, tell =>
        runJob(
          source,
          { images: source.images, results, annotate: samAnnotator(model.sam, job, model) },
          { shard, concurrency, retryFailed, signal, onProgress: counts => tell(told(counts)) }
        )
      )
  )
}

/** Processes the images with the workers of a queue. */
async function runThere(
  { location, source, results }: Work,
  options: AnnotateOptions,
  context: Context
): Promise<Progress> {
  const { shard, retryFailed, attempts } = options
  const { signal } = context
  const queue = await TaskQueue.open(options.queue!)
  try {
    return await context
      .progress(options)
      .step(`annotating ${location} with the workers of the queue`, tell =>
        runOnQueue(
          source,
          { results, queue },
          { shard, retryFailed, retries: { attempts }, signal, onProgress: counts => tell(told(counts)) }
        )
      )
  } finally {
    await queue.close()
  }
}

const told = ({ total, done, failed }: Progress): string =>
  `${done} of ${total} images${failed ? `, ${failed} failed` : ''}`
