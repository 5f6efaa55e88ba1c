/**
 * A process of the fault tests, started through tools/run.js. `worker URL`: a worker of a queue. `run IMAGES OUT`: a run
 * without a queue. Its annotator needs no model; it writes a line for each image that it computed.
 */
import { openSource, openStorage, runJob, startWorker } from '../src/index.js'
import { stubAnnotator, stubResults } from './stub-job.js'

const [kind, ...args] = process.argv.slice(2)
const { annotate } = stubAnnotator({
  delay: 10,
  onImage: (image, text) => {
    process.stdout.write(`${image}\n`)
    if (text === 'deadly') process.kill(process.pid, 'SIGKILL')
  }
})

if (kind === 'run') {
  const [location, out] = args
  const source = await openSource(location)
  await runJob(source, { images: source.images, results: await stubResults(out), annotate }).catch((error: unknown) => {
    process.stdout.write(`${(error as { code?: string }).code}: ${(error as Error).message}\n`)
    process.exitCode = 1
  })
} else {
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
}
