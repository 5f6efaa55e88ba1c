import { parentPort, workerData } from 'node:worker_threads'
import type { ClipConfig } from '@sam/clip'
import { exampleLoader, serveDataWorker } from '@sam/train'
import { clipCrops } from './first-prompt.js'
import { imagesOf, type Plan } from './plan.js'
import { loadResearch } from './research.js'

/** Input of a data worker of `sam train --workers`: the run's plan, and the vision config of its CLIP. */
export interface DataWorkerInput {
  readonly plan: Plan
  readonly clip: Pick<ClipConfig, 'vision'> | undefined
}

if (parentPort) {
  const { plan, clip } = workerData as DataWorkerInput
  const { recipe, seed } = plan
  const hooks = (await loadResearch())?.hooks(recipe)
  const crops = clip && { ...clipCrops(clip), ...hooks?.firstPrompt }
  serveDataWorker(parentPort, exampleLoader({ recipe, data: (await imagesOf(plan)).data, seed, crops }))
}
