/** A thread of preparers.test.ts, started through tools/run.js so that it reads these sources. */
import { parentPort, workerData } from 'node:worker_threads'
import { answerPreparing, preparation, type Recipe } from '@sam/train'
import { threadData } from './thread-data.js'

const { recipe, seed } = workerData as { readonly recipe: Recipe; readonly seed: number }
answerPreparing(
  parentPort!,
  preparation({
    recipe,
    data: threadData,
    seed,
    clip: { vision: { width: 1, depth: 1, heads: 1, mlpWidth: 1, imageSize: 16, patchSize: 4 } }
  })
)
