import { parentPort, workerData } from 'node:worker_threads'
import { parseClipConfig, readClipFolder } from '@sam/clip'
import { answerPreparing, preparation, type PreparationOptions } from '@sam/train'
import { openTrainingData } from './data.js'
import { clipOf, type Plan } from './plan.js'

/** What a run's samples are made ready from: a function of its plan, so that each thread can have its own. */
async function preparationOf(plan: Plan): Promise<PreparationOptions> {
  const { recipe, seed, clip } = plan
  const { data } = await openTrainingData(plan, { seed, size: recipe.config.imageSize })
  return { recipe, data, seed, ...(recipe.text && { clip: parseClipConfig((await readClipFolder(clipOf(clip))).config) }) }
}

/** The thread of `sam train --workers`. */
if (parentPort) answerPreparing(parentPort, preparation(await preparationOf(workerData as Plan)))
