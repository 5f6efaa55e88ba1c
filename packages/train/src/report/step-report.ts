import type { DeviceTensor, HostTensor } from '@sam/core/graph'
import type { Batch } from '../data/batch-loader.js'
import type { InteractionStep } from '../interaction/simulate.js'

/** What one iteration reports. */
export interface StepReport {
  /** From 1. */
  readonly iteration: number
  readonly rate: number
  readonly loss: number
  readonly maskLoss: number
  readonly iouError: number
  readonly gradientNorm: number
  /** Mean true IoU of the mask that the model ranks first: of first prompts, of later ones, and of text prompts. */
  readonly firstIou: number
  readonly laterIou: number
  readonly textIou?: number
  /** Unusable samples that were skipped. */
  readonly skipped: number
  /** Masks of the other samples that were skipped. */
  readonly skippedMasks: number
}

/** The loss or the gradient norm of a batch is not a finite number. */
export class NotFinite extends Error {
  override readonly name = 'NotFinite'
  constructor(
    readonly report: StepReport,
    /** The inputs of the failing micro-step. */
    readonly feeds: Readonly<Record<string, HostTensor>>
  ) {
    super(
      `iteration ${report.iteration}: loss ${report.loss}, gradient norm ${report.gradientNorm}; training ` +
        'stopped with the params of the iteration before. ' +
        'Lower the rate, or inspect the batch'
    )
  }
}

/** Accumulates a report over the micro-steps of an iteration. */
export interface StepSums {
  /** Reads and disposes a micro-step's scalars; false where its loss or gradient norm is not finite. */
  add(
    outputs: Readonly<Record<string, DeviceTensor>>,
    steps: readonly InteractionStep[],
    batch: Pick<Batch, 'skipped' | 'skippedMasks'>
  ): Promise<boolean>
  report(): StepReport
}

/** The sums of one iteration of `accumulate` micro-steps; `masks` is the number of the decoder's masks. */
export function stepSums({
  iteration,
  rate,
  accumulate,
  masks,
  text
}: {
  readonly iteration: number
  readonly rate: number
  readonly accumulate: number
  readonly masks: number
  readonly text: boolean
}): StepSums {
  const sums = { loss: 0, maskLoss: 0, iouError: 0, gradientNorm: 0, skipped: 0, skippedMasks: 0 }
  const iou = { first: [0, 0], later: [0, 0], text: [0, 0] }
  return {
    async add(outputs, steps, { skipped, skippedMasks }) {
      const read = async (name: string): Promise<ArrayLike<number>> => {
        const { data } = await outputs[name].read()
        outputs[name].dispose()
        return data
      }
      const [loss] = Array.from(await read('loss'))
      sums.loss += loss / accumulate
      sums.maskLoss += (await read('mask_loss'))[0] / accumulate
      sums.iouError += (await read('iou_error'))[0] / accumulate
      sums.gradientNorm = (await read('gradient_norm'))[0]
      sums.skipped += skipped
      sums.skippedMasks += skippedMasks
      countIou(iou, { steps, masks, real: await read('true_iou'), predicted: await read('iou_predictions') })
      return Number.isFinite(loss) && Number.isFinite(sums.gradientNorm)
    },
    report() {
      const mean = ([sum, count]: number[]): number => sum / Math.max(1, count)
      const { skipped, skippedMasks, ...means } = sums
      return {
        iteration,
        rate,
        ...means,
        firstIou: mean(iou.first),
        laterIou: mean(iou.later),
        ...(text && { textIou: mean(iou.text) }),
        skipped,
        skippedMasks
      }
    }
  }
}

/** Adds the true IoU of the best-ranked returned mask of each interaction step whose object is in the image. */
function countIou(
  { first, later, text }: Record<'first' | 'later' | 'text', number[]>,
  {
    steps,
    masks,
    real,
    predicted
  }: { steps: readonly InteractionStep[]; masks: number; real: ArrayLike<number>; predicted: ArrayLike<number> }
): void {
  steps.forEach(({ returned, prompt, truth }, i) => {
    if (!truth.data.includes(1)) return
    const best = returned.reduce((a, b) => (predicted[i * masks + b] > predicted[i * masks + a] ? b : a))
    const into = prompt.mask ? later : prompt.text ? text : first
    into[0] += real[i * masks + best]
    into[1] += 1
  })
}
