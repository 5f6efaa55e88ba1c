/** The learning rate over iterations, counted from 0. */
export interface Schedule {
  /** The rate after warm-up. */
  readonly rate: number
  /** Iterations of linear warm-up. */
  readonly warmup: number
  /** Iterations at which the rate drops to a tenth. */
  readonly steps: readonly number[]
  readonly iterations: number
}

/**
 * The learning rate of an iteration. Paper: Appendix A, "Training recipe": linear warm-up, then a tenth at each step.
 */
export const learningRate = ({ rate, warmup, steps }: Schedule, iteration: number): number =>
  rate * Math.min(1, (iteration + 1) / Math.max(1, warmup)) * 0.1 ** steps.filter(step => iteration >= step).length
