import type { Frame } from '../image/frame.js'
import type { Taps } from '../tensor/interpolate.js'
import type { VisitRun } from './runs.js'
import { photoTaps } from './upscale.js'

/**
 * The pixels of the photo whose logit exceeds the threshold, as runs along the rows, from a low-resolution mask.
 *
 * A pixel's logit is a mean of a few neighbouring low-resolution logits. Where all of these lie on one side of the
 * threshold, so does the pixel, and nothing is computed. Elsewhere a row of the photo is first upscaled downwards
 * alone, which gives one value for each low-resolution column. The same rule then leaves only the pixels along the
 * outline. A pixel that rounding could carry across the threshold is computed with the arithmetic of `upscaleLogits`,
 * so the runs are exactly its pixels above the threshold.
 */
export function thresholdRuns(
  lowRes: Float32Array,
  { frame, threshold }: { frame: Frame; threshold: number },
  visit: VisitRun
): void {
  const side = Math.sqrt(lowRes.length)
  const { across, down } = photoTaps(side, frame)
  const [columns, rows] = [cellsOf(across), cellsOf(down)]
  const { low, high } = undecided(lowRes, threshold)
  const stretches = stretchesOf(lowRes, side, { low, high })
  const [segments, parts] = [segmentList(columns), segmentList(columns)]
  /** One row of the photo, upscaled downwards alone: a value for each low-resolution column. */
  const line = new Float64Array(side)
  /** The same row upscaled entirely, where it was needed. */
  const values = new Float64Array(across.outSize)
  /** The start of a run that has no end yet, or −1. */
  let open = -1

  for (let i = 0; i < rows.length; i++) {
    const [first, count] = [rows.first[i], rows.count[i]]
    segments.reset(0, columns.length)
    mergeStretches(stretches, { first, count }, (kind, start, end) => segments.add(kind, start, end))
    segments.close()
    if (segments.length === 1 && segments.kind[0] === below) continue
    for (let y = rows.start[i]; y < rows.start[i + 1]; y++) {
      for (let s = 0; s < segments.length; s++) {
        if (segments.kind[s] === mixed) visitMixed(y, segments.start[s], segments.start[s + 1])
        else visitPixel(y, columns.start[segments.start[s]], segments.kind[s] === above)
      }
      visitPixel(y, across.outSize, false)
    }
  }

  /** From pixel x of row y on, pixels are inside or outside. */
  function visitPixel(y: number, x: number, inside: boolean): void {
    if (inside) {
      if (open < 0) open = x
    } else if (open >= 0) {
      visit(y, open, x)
      open = -1
    }
  }

  /** The cells `from` … `until` (exclusive) of row y. */
  function visitMixed(y: number, from: number, until: number): void {
    const [top, count] = [down.first[y] * side, down.count[y]]
    const [left, right] = [columns.first[from], columns.first[until - 1] + columns.count[until - 1]]
    for (let k = 0; k < count; k++) {
      const [weight, source] = [down.weights[y * down.width + k], top + k * side]
      if (k === 0) for (let c = left; c < right; c++) line[c] = lowRes[source + c] * weight
      else for (let c = left; c < right; c++) line[c] += lowRes[source + c] * weight
    }
    parts.reset(from, until)
    for (let start = left; start < right; ) {
      const kind = sideOf(line[start], low, high)
      let end = start + 1
      while (end < right && sideOf(line[end], low, high) === kind) end++
      parts.add(kind, start, end)
      start = end
    }
    parts.close()
    let inside = open >= 0
    for (let s = 0; s < parts.length; s++) {
      const [kind, start, end] = [parts.kind[s], columns.start[parts.start[s]], columns.start[parts.start[s + 1]]]
      if (kind !== mixed) {
        if ((kind === above) !== inside) visitPixel(y, start, (inside = !inside))
        continue
      }
      applyPart(across, line, { values, start, end })
      for (let x = start; x < end; x++) {
        const value = values[x]
        const now = value > high || (!(value <= low) && exactLogit(x, y) > threshold)
        if (now !== inside) visitPixel(y, x, (inside = now))
      }
    }
  }

  /** The logit of a pixel as `upscaleLogits` rounds it: along the row, then downwards. */
  function exactLogit(x: number, y: number): number {
    let sum = 0
    for (let j = 0; j < down.count[y]; j++) {
      const source = (down.first[y] + j) * side + across.first[x]
      let wide = 0
      for (let k = 0; k < across.count[x]; k++) wide += lowRes[source + k] * across.weights[x * across.width + k]
      sum += Math.fround(wide) * down.weights[y * down.width + j]
    }
    return Math.fround(sum)
  }
}

/** Outputs `start` … `end` (exclusive) of a map, not rounded. A function of its own is compiled to a faster loop. */
function applyPart(
  { first, count, weights, width }: Taps,
  line: Float64Array,
  { values, start, end }: { values: Float64Array; start: number; end: number }
): void {
  for (let x = start, w = start * width; x < end; x++, w += width) {
    const c = first[x]
    let value = line[c] * weights[w]
    for (let k = 1; k < count[x]; k++) value += line[c + k] * weights[w + k]
    values[x] = value
  }
}

/** The outputs of a map in groups, its cells: those of a cell are neighbours, and read the same inputs. */
interface Cells {
  readonly length: number
  /** The first output of each cell, and at the end the number of outputs. */
  readonly start: Int32Array
  readonly first: Int32Array
  readonly count: Int32Array
  /** For each input and for the end, the first cell that reads nothing before it. */
  readonly from: Int32Array
  /** For each input and for the end, the first cell that reads it or something after it. */
  readonly until: Int32Array
}

function cellsOf(taps: Taps): Cells {
  const known = knownCells.get(taps)
  if (known) return known
  const { first, count, outSize, inSize } = taps
  const starts = Array.from({ length: outSize }, (_, i) => i).filter(
    i => i === 0 || first[i] !== first[i - 1] || count[i] !== count[i - 1]
  )
  const [from, until] = [new Int32Array(inSize + 1), new Int32Array(inSize + 1)]
  for (let input = 0, [f, u] = [0, 0]; input <= inSize; input++) {
    while (f < starts.length && first[starts[f]] < input) f++
    while (u < starts.length && first[starts[u]] + count[starts[u]] <= input) u++
    ;[from[input], until[input]] = [f, u]
  }
  const cells = {
    length: starts.length,
    start: Int32Array.from([...starts, outSize]),
    first: Int32Array.from(starts, i => first[i]),
    count: Int32Array.from(starts, i => count[i]),
    from,
    until
  }
  knownCells.set(taps, cells)
  return cells
}

const knownCells = new WeakMap<Taps, Cells>()

/** On which side of the threshold logits lie: bits, so that `&` over several keeps what they have in common. */
const [mixed, above, below, anySide] = [0, 1, 2, 3]

/** The side of a mean of logits; one that is not a number is `mixed`. */
const sideOf = (value: number, low: number, high: number): number =>
  value <= low ? below : value > high ? above : mixed

interface Undecided {
  readonly low: number
  readonly high: number
}

/** The logits of all rows as stretches of neighbours that lie on one side of the threshold. */
interface Stretches {
  readonly side: number
  readonly kind: Uint8Array
  /** The column after the last of each stretch. */
  readonly end: Int32Array
  /** The first stretch of each row. */
  readonly ofRow: Int32Array
}

/**
 * The values that rounding could carry across the threshold: those above `low` and up to `high`.
 */
function undecided(lowRes: Float32Array, threshold: number): Undecided {
  let largest = 0
  for (let i = 0; i < lowRes.length; i++) {
    const size = Math.abs(lowRes[i])
    if (size > largest) largest = size
  }
  // Each of the two passes rounds to float32: by 2⁻²⁴ of the value, or by less than the least normal number.
  const margin = Math.max(largest * 2 ** -20, 2 ** -126)
  return { low: threshold - margin, high: threshold + margin }
}

function stretchesOf(lowRes: Float32Array, side: number, { low, high }: Undecided): Stretches {
  const [kind, end] = [new Uint8Array(lowRes.length), new Int32Array(lowRes.length)]
  const ofRow = new Int32Array(side)
  for (let r = 0, i = 0, n = -1; r < side; r++) {
    ofRow[r] = n + 1
    for (let c = 0, last = -1; c < side; c++, i++) {
      const now = sideOf(lowRes[i], low, high)
      if (now !== last) kind[++n] = last = now
      end[n] = c + 1
    }
  }
  return { side, kind, end, ofRow }
}

/** Calls `add` with the stretches that all of these rows have in common, from left to right. */
function mergeStretches(
  { side, kind, end, ofRow }: Stretches,
  { first, count }: { first: number; count: number },
  add: (kind: number, start: number, end: number) => void
): void {
  const at = Array.from({ length: count }, (_, k) => ofRow[first + k])
  for (let column = 0; column < side; ) {
    let [next, common] = [side, anySide]
    for (let k = 0; k < count; k++) {
      common &= kind[at[k]]
      next = Math.min(next, end[at[k]])
    }
    add(common, column, next)
    column = next
    for (let k = 0; k < count; k++) if (end[at[k]] === next) at[k]++
  }
}

/** Neighbouring cells of a row in segments, by the side on which all that they read lies. */
function segmentList(cells: Cells) {
  const list = {
    length: 0,
    kind: new Uint8Array(cells.length + 1),
    /** The first cell of each segment, and at the end the cell after the last. */
    start: new Int32Array(cells.length + 2),
    /** Empties the list, for the cells `from` … `until` (exclusive). */
    reset(from: number, until: number): void {
      list.length = 0
      list.start[0] = from
      limit = until
    },
    /** Adds a stretch of low-resolution columns. Cells that also read columns of the next stretch are `mixed`. */
    add(kind: number, column: number, end: number): void {
      if (kind === mixed) return
      const known = list.start[list.length]
      const [from, until] = [Math.max(cells.from[column], known), Math.min(cells.until[end], limit)]
      if (from >= until) return
      if (from > known) push(mixed, from)
      push(kind, until)
    },
    /** Ends the list: the rest is `mixed`. */
    close(): void {
      if (list.start[list.length] < limit) push(mixed, limit)
    }
  }
  let limit = 0
  const push = (kind: number, until: number): void => {
    if (!list.length || list.kind[list.length - 1] !== kind) list.kind[list.length++] = kind
    list.start[list.length] = until
  }
  return list
}
