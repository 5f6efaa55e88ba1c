import { resolve, sep } from 'node:path'
import { once } from 'node:events'
import {
  isS3,
  JobError,
  openStorage,
  readDescription,
  Results,
  samAnnotator,
  startWorker,
  type QueuedTask,
  type Workplace
} from '@sam/jobs'
import type { Command } from 'commander'
import { backendOption } from '../backend.js'
import type { Context } from '../context.js'
import { concurrencyOption, describeJob, modelKey, withJobModel, type JobModel, type JobOptions } from '../job.js'
import { downloadOption, withCommonOptions } from '../model.js'
import { wholeNumber } from '../numbers.js'
import { json, oneLine } from '../text.js'

interface WorkerOptions extends JobOptions {
  readonly queue: string
  readonly root: string
  readonly concurrency: number
  readonly rate?: number
}

/** `sam worker`: works on the tasks of a queue. */
export function addWorker(program: Command, context: Context): void {
  withCommonOptions(
    program.command('worker').description('works on the images that `sam annotate --queue` puts into a queue')
  )
    .requiredOption('--queue <url>', 'redis://HOST:PORT')
    .option('--root <folder>', 'folder that must hold the images and results of jobs that are not on S3', '.')
    .addOption(concurrencyOption())
    .option('--rate <n>', 'images per second, of all workers together (default: no limit)', wholeNumber('--rate'))
    .addOption(backendOption())
    .addOption(downloadOption())
    .addHelpText('after', help)
    .action((options: WorkerOptions) => work(options, context))
}

const help = `
Start any number, on any machine that sees the images and results under the same names. Ctrl-C or SIGTERM: the worker
finishes the images in work, and stops; if it is killed, another worker does them.
  sam worker --queue redis://localhost:6379 --root /data`

/** A model that stays open. */
interface HeldModel {
  readonly model: JobModel
  close(): Promise<void>
}

async function work(options: WorkerOptions, context: Context): Promise<void> {
  const { signal, terminal } = context
  const progress = context.progress(options)
  const models = new Map<string, Promise<HeldModel>>()
  const places = new Map<string, Promise<Workplace>>()
  const counts = { done: 0, present: 0, failed: 0, errors: 0 }

  const open = async ({ job: digest, images, results }: Omit<QueuedTask, 'task'>): Promise<Workplace> => {
    for (const location of [images, results]) refuseOutside(location, options.root)
    const storage = await openStorage(results)
    const description = await readDescription(storage, signal)
    if (!description) throw new JobError('E_OTHER_JOB', `${results}: must hold job.json, found none`)
    const { job } = description
    const held = await kept(models, modelKey(job), () => hold(job, options, context))
    const opened = await Results.open(storage, await describeJob(job, options, context), signal)
    if (opened.digest !== digest)
      throw new JobError('E_OTHER_JOB', `${results}: must be of the queued job, found another`)
    return {
      images: await openStorage(images),
      results: opened,
      annotate: samAnnotator(held.model.sam, job, held.model)
    }
  }
  const { queue, concurrency, rate } = options
  const worker = await startWorker(queue, {
    concurrency,
    rate,
    open: task => kept(places, JSON.stringify([task.job, task.images, task.results]), () => open(task)),
    onTask: ({ task: { image } }, outcome) => {
      counts[typeof outcome === 'string' ? outcome : 'errors']++
      if (typeof outcome !== 'string') terminal.err(`sam: ${oneLine(image)}: ${oneLine(outcome.message)}\n`)
      else if (outcome === 'failed') progress.note(`${oneLine(image)}: failed`)
    },
    onError: error => terminal.err(`sam: ${oneLine(error.message)}\n`)
  })
  progress.note('waiting for images')
  if (!signal.aborted) await once(signal, 'abort')
  await worker.close()
  for (const held of await Promise.allSettled(models.values()))
    if (held.status === 'fulfilled') await held.value.close()
  if (options.json) terminal.out(json(counts))
}

/** A value that is made once; not kept if that fails. */
async function kept<T>(values: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let value = values.get(key)
  if (!value) {
    values.set(key, (value = make()))
    value.catch(() => values.delete(key))
  }
  return value
}

/** Loads the model of a job and keeps it until `close`. */
function hold(job: Parameters<typeof modelKey>[0], options: JobOptions, context: Context): Promise<HeldModel> {
  return new Promise((resolveHeld, reject) => {
    const ended = withJobModel(
      job,
      { options, context },
      model =>
        new Promise<void>(release => {
          resolveHeld({
            model,
            close: () => {
              release()
              return ended
            }
          })
        })
    )
    ended.catch(reject)
  })
}

/** A queue may only lead a worker to S3 and into one folder. */
function refuseOutside(location: string, root: string): void {
  if (isS3(location)) return
  const [path, folder] = [resolve(location), resolve(root)]
  if (path !== folder && !path.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    throw new JobError('E_STORAGE', `${location}: must be below ${folder}; start the worker with --root FOLDER`)
}
