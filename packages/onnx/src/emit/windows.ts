/**
 * For each place of each window its row in the flattened grid, the row after the last where there is none; and for each
 * row its place.
 */
export function windowRows(
  [b, h, w]: readonly [number, number, number],
  side: number
): { into: Int32Array; back: Int32Array } {
  const [nh, nw] = [Math.ceil(h / side), Math.ceil(w / side)]
  const into = new Int32Array(b * nh * nw * side * side).fill(b * h * w)
  const back = new Int32Array(b * h * w)
  for (let row = 0; row < back.length; row++) {
    const [image, y, x] = [Math.floor(row / (h * w)), Math.floor(row / w) % h, row % w]
    const window = (image * nh + Math.floor(y / side)) * nw + Math.floor(x / side)
    back[row] = (window * side + (y % side)) * side + (x % side)
    into[back[row]] = row
  }
  return { into, back }
}
