import { parentPort, workerData } from 'node:worker_threads'
import { answerPreparing, preparation, type PreparationOptions } from '@sam/train'
import { imagesOf, type Plan } from './plan.js'

/**
 * What a thread of `sam train --workers` is given: a run's plan, from which each opens images of its own, and what the
 * run's CLIP sees.
 */
export interface PreparingData extends Pick<PreparationOptions, 'clip'> {
  readonly plan: Plan
}

if (parentPort) {
  const { plan, clip } = workerData as PreparingData
  const { recipe, seed } = plan
  answerPreparing(parentPort, preparation({ recipe, data: (await imagesOf(plan)).data, seed, clip }))
}
