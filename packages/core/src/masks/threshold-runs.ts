import type { Frame } from '../image/frame.js'
import type { Taps } from '../tensor/interpolate.js'
import type { VisitRun } from './runs.js'
import { photoTaps } from './upscale.js'

/**
 * The pixels of the photo whose logit exceeds the threshold, as runs along the rows, from a low-resolution mask.
 *
 * A pixel's logit is a mean of a few neighbouring low-resolution logits. Where all of these lie on one side of the
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
  const stretches = stretchesOf(lowRes, side, threshold)
  const wide = lazyRows(lowRes, across, columns)
  const segments = segmentList(columns)
  /** The logits of one row of the photo, before they are rounded. */
  const line = new Float64Array(across.outSize)

  for (let i = 0; i < rows.length; i++) {
    const [first, count] = [rows.first[i], rows.count[i]]
    segments.length = 0
    mergeStretches(stretches, { first, count }, (kind, start, end) => segments.add(kind, start, end))
    segments.close()
    if (segments.length === 1 && segments.kind[0] === below) continue
    for (let s = 0; s < segments.length; s++)
      if (segments.kind[s] === mixed)
        for (let r = first; r < first + count; r++) wide.compute(r, segments.start[s], segments.start[s + 1])
    for (let y = rows.start[i]; y < rows.start[i + 1]; y++) visitRow(y, first, count)
  }

  function visitRow(y: number, first: number, count: number): void {
    let open = -1
    for (let s = 0; s < segments.length; s++) {
      const [kind, start] = [segments.kind[s], columns.start[segments.start[s]]]
      if (kind === above) {
        if (open < 0) open = start
      } else if (kind === below) {
        if (open >= 0) visit(y, open, start)
        open = -1
      } else {
        const end = columns.start[segments.start[s + 1]]
        for (let k = 0; k < count; k++) {
          const [row, weight] = [wide.rows[first + k]!, down.weights[y * down.width + k]]
          if (k === 0) for (let x = start; x < end; x++) line[x] = row[x] * weight
          else for (let x = start; x < end; x++) line[x] += row[x] * weight
        }
        for (let x = start; x < end; x++) {
          if (Math.fround(line[x]) > threshold) {
            if (open < 0) open = x
          } else if (open >= 0) {
            visit(y, open, x)
            open = -1
          }
        }
      }
    }
    if (open >= 0) visit(y, open, across.outSize)
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
 * A logit is `mixed` where rounding of a mean could carry it across the threshold, or where it is not a number.
 */
function stretchesOf(lowRes: Float32Array, side: number, threshold: number): Stretches {
  let largest = 0
  for (let i = 0; i < lowRes.length; i++) {
    const size = Math.abs(lowRes[i])
    if (size > largest) largest = size
  }
  // Each of the two passes rounds to float32, by 2⁻²⁴ of the value.
  const margin = largest * 2 ** -20
  const [high, low] = [threshold + margin, threshold - margin]
  const [kind, end] = [new Uint8Array(lowRes.length), new Int32Array(lowRes.length)]
  const ofRow = new Int32Array(side)
  for (let r = 0, i = 0, n = -1; r < side; r++) {
    ofRow[r] = n + 1
    for (let c = 0, last = -1; c < side; c++, i++) {
      const logit = lowRes[i]
      const now = logit <= low ? below : logit > high ? above : mixed
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

/** Low-resolution rows upscaled along the row where they are needed: the first half of `upscaleLogits`. */
function lazyRows(lowRes: Float32Array, { inSize, outSize, width, weights }: Taps, cells: Cells) {
  const rows: (Float32Array | undefined)[] = new Array<undefined>(lowRes.length / inSize).fill(undefined)
  const done = new Uint8Array(rows.length * cells.length)
  return {
    rows,
    compute(row: number, from: number, until: number): void {
      const values = (rows[row] ??= new Float32Array(outSize))
      for (let cell = from; cell < until; cell++) {
        if (done[row * cells.length + cell]) continue
        done[row * cells.length + cell] = 1
        const [source, count] = [row * inSize + cells.first[cell], cells.count[cell]]
        for (let x = cells.start[cell]; x < cells.start[cell + 1]; x++) {
          let sum = 0
          for (let k = 0; k < count; k++) sum += lowRes[source + k] * weights[x * width + k]
          values[x] = sum
        }
      }
    }
  }
}

/** The columns of the photo, in cells, by the side on which all that they read lies; neighbours are joined. */
function segmentList(cells: Cells) {
  const list = {
    length: 0,
    kind: new Uint8Array(cells.length + 1),
    /** The first cell of each segment, and at the end the number of cells. */
    start: new Int32Array(cells.length + 2),
    /** Adds a stretch of low-resolution columns. Cells that also read columns of the next stretch are `mixed`. */
    add(kind: number, column: number, end: number): void {
      if (kind === mixed) return
      const [from, until] = [cells.from[column], cells.until[end]]
      if (from >= until) return
      const known = list.length ? list.start[list.length] : 0
      if (from > known) push(mixed, from)
      push(kind, until)
    },
    /** Closes the list: the rest is `mixed`. */
    close(): void {
      if ((list.length ? list.start[list.length] : 0) < cells.length) push(mixed, cells.length)
    }
  }
  const push = (kind: number, until: number): void => {
    if (!list.length || list.kind[list.length - 1] !== kind) list.kind[list.length++] = kind
    list.start[list.length] = until
  }
  return list
}
