import { join } from 'node:path'
import { encodePng, loadSam } from '@sam/core'
import { memoryWeights, type Backend } from '@sam/core/graph'
import { writeFileAtomic } from '@sam/core/model'
import { modelOf } from '../checkpoint/checkpoint.js'
import type { Dataset } from '../data/dataset.js'
import { evaluate } from './evaluate.js'
import { sheet } from '../report/sheet.js'
import type { Trainer } from '../trainer.js'

export interface HeldOutOptions {
  /** Samples that are not trained on. */
  readonly data: Dataset
  readonly backend: Backend
  /** Where `sheet.png` is rewritten each time. Default: no sheet. */
  readonly folder?: string
  /** Objects (default: 64) and clicks (default: 5) of an evaluation. */
  readonly objects?: number
  readonly clicks?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Scores of an evaluation during training: mean IoU of one click (the mask ranked first, and the best of three), of the
 * box, and after all clicks.
 */
export interface HeldOutScores extends Readonly<Record<string, number>> {
  readonly heldOutClick: number
  readonly heldOutOracle: number
  readonly heldOutBox: number
  readonly heldOutClicks: number
}

/**
 * Evaluates the current model, for `RunOptions.evaluate`. It uses no random numbers of the run, so training continues
 * as without it.
 */
export function heldOut({
  data,
  backend,
  folder,
  objects = 64,
  clicks = 5,
  signal
}: HeldOutOptions): (t: Pick<Trainer, 'recipe' | 'state'>) => Promise<HeldOutScores> {
  return async ({ recipe: { config }, state }) => {
    const sam = await loadSam({
      weights: memoryWeights(modelOf(await state.read(), config)),
      model: config,
      backend,
      signal
    })
    try {
      const found = await evaluate({ sam, data, objects, clicks, ...(signal && { signal }) })
      const picture = folder === undefined ? undefined : await sheet(sam, data, { clicks, signal })
      if (picture) await writeFileAtomic(join(folder!, 'sheet.png'), [await encodePng(picture)])
      const {
        all: { predicted, oracle }
      } = found.oneClick
      return {
        heldOutClick: predicted,
        heldOutOracle: oracle,
        heldOutBox: found.box.predicted,
        heldOutClicks: found.clicks.at(-1)!
      }
    } finally {
      await sam.dispose()
    }
  }
}
