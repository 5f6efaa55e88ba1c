/**
 * Area under the ROC curve: the probability that a positive has a higher score than a negative, ties counted half. NaN
 * where either is missing.
 */
export function rocAuc(positives: readonly number[], negatives: readonly number[]): number {
  const all = [
    ...positives.map(score => ({ score, positive: true })),
    ...negatives.map(score => ({ score, positive: false }))
  ].sort((a, b) => a.score - b.score)
  let ranks = 0
  for (let i = 0; i < all.length; ) {
    let j = i
    while (j < all.length && all[j].score === all[i].score) j++
    for (let k = i; k < j; k++) if (all[k].positive) ranks += (i + 1 + j) / 2
    i = j
  }
  const [p, n] = [positives.length, negatives.length]
  return (ranks - (p * (p + 1)) / 2) / (p * n)
}
