/**
 * A process of the fault tests, started through tools/run.js. `worker URL`: a worker of a queue. `run IMAGES OUT`: a
 * run without a queue. Their annotator needs no model. `tiny IMAGES OUT`: a run with the tiny model. All write a line
 * for each image that they computed.
 */
import { cpu } from '@sam/backend-cpu'
import { loadSam } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { openSource, openStorage, parseJob, runJob, samAnnotator, startWorker, type Annotate } from '../src/index.js'
import { stubAnnotator, stubResults } from './stub-job.js'

const [kind, ...args] = process.argv.slice(2)
const { annotate } = stubAnnotator({
  delay: 10,
  onImage: (image, text) => {
    process.stdout.write(`${image}\n`)
    if (text === 'deadly') process.kill(process.pid, 'SIGKILL')
  }
})

if (kind === 'worker') {
  const worker = await startWorker(args[0], {
    open: async ({ images, results }) => ({
      images: await openStorage(images),
      results: await stubResults(results),
      annotate
    }),
    stalledAfter: 1000
  })
  process.stdout.write('ready\n')
  process.once('SIGTERM', () => void worker.close())
} else {
  const [location, out] = args
  const source = await openSource(location)
  const results = await stubResults(out)
  const run = async (annotate: Annotate): Promise<unknown> =>
    runJob(source, { images: source.images, results, annotate }).catch((error: unknown) => {
      process.stdout.write(`${(error as { code?: string }).code}: ${(error as Error).message}\n`)
      process.exitCode = 1
    })
  if (kind === 'run') await run(annotate)
  else {
    const backend = await cpu()
    const sam = await loadSam({ weights: tinyModel().weights, backend })
    const annotateImage = samAnnotator(
      sam,
      parseJob('automatic: { pointsPerSide: 2, predIouThresh: 0, stabilityScoreThresh: 0 }', 'job')
    )
    await run(async (...task) => {
      const record = await annotateImage(...task)
      process.stdout.write(`${record.image}\n`)
      return record
    })
    await sam.dispose()
    backend.dispose()
  }
}
