import type { Dataset } from './dataset.js'

/** Some of the samples of a dataset: those from `from` up to `to`, not included. */
export const part = (data: Dataset, { from, to }: { from: number; to: number }): Dataset => ({
  size: to - from,
  read: index => data.read(from + index)
})
