/** A data worker of data-workers.test.ts, started through tools/run.js to run from source. */
import { parentPort, workerData } from 'node:worker_threads'
import { exampleLoader, serveDataWorker, type Recipe } from '@sam/train'
import { crops } from './crops.js'
import { threadData } from './thread-data.js'

const { recipe, seed } = workerData as { readonly recipe: Recipe; readonly seed: number }
serveDataWorker(parentPort!, exampleLoader({ recipe, data: threadData, seed, crops }))
