/** Intersection over union of two masks, 0 outside; 1 where both are empty. */
export function iouOf(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    const [inA, inB] = [a[i] !== 0, b[i] !== 0]
    if (inA && inB) both++
    if (inA || inB) either++
  }
  return either ? both / either : 1
}
