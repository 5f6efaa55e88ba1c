import type { Frame } from '../image/frame.js'
import type { Taps } from '../tensor/interpolate.js'
import type { VisitRun } from './runs.js'
import { photoTaps } from './upscale.js'

/**
 * The pixels of the photo whose logit exceeds the threshold, as runs along the rows, from a low-resolution mask.
 *
 * A pixel's logit is a mean of at most four by four low-resolution logits. Where all of these lie on one side of the
 * threshold, so does the pixel, and nothing is computed. Only pixels along the outline are upscaled, with the same
 * arithmetic as `upscaleLogits`, so the runs are exactly its pixels above the threshold.
 */
export function thresholdRuns(
  lowRes: Float32Array,
  { frame, threshold }: { frame: Frame; threshold: number },
  visit: VisitRun
): void {
  const side = Math.sqrt(lowRes.length)
  const { across, down } = photoTaps(side, frame)
  const [columns, rows] = [cellsOf(across), cellsOf(down)]
  const { sides, from, to } = sidesOf(lowRes, side, threshold)
  const wide = lazyRows(lowRes, across)
  const window = new Uint8Array(side)
  const segments = segmentList(columns.length)

  for (let i = 0; i < rows.length; i++) {
    const [first, count] = [rows.first[i], rows.count[i]]
    let [left, right] = [side, 0]
    for (let r = first; r < first + count; r++) {
      left = Math.min(left, from[r])
      right = Math.max(right, to[r])
    }
    if (left >= right) continue
    window.fill(anySide)
    for (let r = first; r < first + count; r++)
      for (let c = left, at = r * side; c < right; c++) window[c] &= sides[at + c]
    // Outside of left … right all is below.
    window.fill(below, Math.max(0, left - across.width), left)
    window.fill(below, right, right + across.width)

    segments.length = 0
    for (let j = columns.reading[left]; j < columns.length && columns.first[j] < right; j++) {
      const last = columns.first[j] + columns.count[j]
      let kind = window[columns.first[j]]
      for (let c = columns.first[j] + 1; c < last; c++) kind &= window[c]
      segments.add(kind, columns.start[j], columns.start[j + 1])
    }
    for (let s = 0; s < segments.length; s++)
      if (segments.kind[s] === mixed)
        for (let r = first; r < first + count; r++) wide.compute(r, segments.start[s], segments.end[s])
    for (let y = rows.start[i]; y < rows.start[i + 1]; y++) visitRow(y, first, count)
  }

  function visitRow(y: number, first: number, count: number): void {
    let open = -1
    const close = (x: number): void => {
      if (open >= 0) visit(y, open, x)
      open = -1
    }
    for (let s = 0; s < segments.length; s++) {
      const [kind, start, end] = [segments.kind[s], segments.start[s], segments.end[s]]
      if (kind === below) close(start)
      else if (kind === above) {
        if (open < 0) open = start
      } else {
        for (let x = start; x < end; x++) {
          let logit = 0
          for (let k = 0; k < count; k++) logit += wide.rows[first + k]![x] * down.weights[y * down.width + k]
          if (!(Math.fround(logit) > threshold)) close(x)
          else if (open < 0) open = x
        }
      }
    }
    if (segments.length) close(segments.end[segments.length - 1])
  }
}

/** The outputs of a map, grouped: those of a group are neighbours, and read the same inputs. */
interface Cells {
  readonly length: number
  /** The first output of each group, and at the end the number of outputs. */
  readonly start: Int32Array
  readonly first: Int32Array
  readonly count: Int32Array
  /** For each input, the first group that reads it or a later one. */
  readonly reading: Int32Array
}

function cellsOf(taps: Taps): Cells {
  const known = knownCells.get(taps)
  if (known) return known
  const { first, count, outSize, inSize } = taps
  const starts = Array.from({ length: outSize }, (_, i) => i).filter(
    i => i === 0 || first[i] !== first[i - 1] || count[i] !== count[i - 1]
  )
  const reading = new Int32Array(inSize)
  for (let input = 0, cell = 0; input < inSize; input++) {
    while (cell < starts.length && first[starts[cell]] + count[starts[cell]] <= input) cell++
    reading[input] = cell
  }
  const cells = {
    length: starts.length,
    start: Int32Array.from([...starts, outSize]),
    first: Int32Array.from(starts, i => first[i]),
    count: Int32Array.from(starts, i => count[i]),
    reading
  }
  knownCells.set(taps, cells)
  return cells
}

const knownCells = new WeakMap<Taps, Cells>()

/** On which side of the threshold logits lie: bits, so that `&` over several keeps what they have in common. */
const [mixed, above, below, anySide] = [0, 1, 2, 3]

/**
 * The side of each logit, and per row the range of columns that are not below. `mixed` where rounding of a mean could
 * carry a logit across the threshold, or the logit is not finite.
 */
function sidesOf(lowRes: Float32Array, side: number, threshold: number) {
  let largest = 0
  for (let i = 0; i < lowRes.length; i++) largest = Math.max(largest, Math.abs(lowRes[i]))
  // Each of the two passes rounds to float32, by 2⁻²⁴ of the value.
  const margin = largest * 2 ** -20
  const [high, low] = [threshold + margin, threshold - margin]
  const sides = new Uint8Array(lowRes.length)
  const [from, to] = [new Int32Array(side).fill(side), new Int32Array(side)]
  for (let r = 0, i = 0; r < side; r++) {
    for (let c = 0; c < side; c++, i++) {
      if (lowRes[i] <= low) sides[i] = below
      else {
        if (lowRes[i] > high) sides[i] = above
        if (c < from[r]) from[r] = c
        to[r] = c + 1
      }
    }
  }
  return { sides, from, to }
}

/** Low-resolution rows upscaled along the row where they are needed: the first half of `upscaleLogits`. */
function lazyRows(lowRes: Float32Array, { inSize, outSize, width, first, count, weights }: Taps) {
  const rows: (Float32Array | undefined)[] = new Array<undefined>(lowRes.length / inSize).fill(undefined)
  return {
    rows,
    compute(row: number, start: number, end: number): void {
      // No logit is exactly −∞ where all that it is a mean of are finite; elsewhere it is computed again.
      const values = (rows[row] ??= new Float32Array(outSize).fill(-Infinity))
      for (let x = start; x < end; x++) {
        if (values[x] !== -Infinity) continue
        let sum = 0
        const source = row * inSize + first[x]
        for (let k = 0; k < count[x]; k++) sum += lowRes[source + k] * weights[x * width + k]
        values[x] = sum
      }
    }
  }
}

/** Columns of a row that lie on one side of the threshold, or on both; neighbours of a kind are joined. */
function segmentList(most: number) {
  const list = {
    length: 0,
    kind: new Uint8Array(most),
    start: new Int32Array(most),
    end: new Int32Array(most),
    add(kind: number, start: number, end: number): void {
      const last = list.length - 1
      if (last >= 0 && list.kind[last] === kind) list.end[last] = end
      else {
        list.length++
        list.kind[last + 1] = kind
        list.start[last + 1] = start
        list.end[last + 1] = end
      }
    }
  }
  return list
}
