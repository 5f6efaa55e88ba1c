import type { Dataset, Truth } from './dataset.js'

/** The samples of a data set from index `from` up to, not including, `to`. */
export const subset = <T extends Truth>(data: Dataset<T>, { from, to }: { from: number; to: number }): Dataset<T> => ({
  size: to - from,
  ...(data.skipped && { skipped: data.skipped }),
  read: index => data.read(from + index)
})
