import type { MultiPolygon } from '@sam/core'
import { signedArea, simplifyLine, type Position, type Ring } from '@sam/core/model'

export interface SimplifyOptions {
  readonly tolerance: number
  readonly width: number
  readonly height: number
  /** Whether two objects, by their indices, have pixels in common. */
  readonly overlap: (i: number, k: number) => boolean
}

type Apart = (i: number, k: number) => boolean

/**
 * Simplifies exact outlines (`Mask.toPolygons()`) of the objects of an image together, so that objects that touch still
 * touch along one line, without overlap or gap. As in TopoJSON, borders are cut into arcs where other borders begin or
 * end; each arc is simplified once (Douglas–Peucker) and used by both sides. Beyond TopoJSON, an arc that would cross
 * another or let a ring collapse is simplified less there, so no ring disappears; and what touches the edge of the
 * image still does. Written positions are on an exact outline, and every exact outline stays within `tolerance` pixels
 * of the written one. Objects that overlap are simplified independently of each other.
 */
export function simplifyTogether(
  objects: readonly MultiPolygon[],
  { tolerance, width, height, overlap }: SimplifyOptions
): readonly MultiPolygon[] {
  const frame: Ring = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
    [0, 0]
  ]
  const known = new Map<number, boolean>()
  /** Whether two objects must stay apart: they do not overlap, or are one. The frame is object −1. */
  const apart = (i: number, k: number): boolean => {
    if (i === k || i < 0 || k < 0) return true
    const key = Math.min(i, k) * objects.length + Math.max(i, k)
    const found = known.get(key) ?? !overlap(i, k)
    known.set(key, found)
    return found
  }
  // Where an object leaves the edge of the image is a junction as well: what touches the edge still does.
  const owned = objects.flatMap((polygons, owner) => polygons.flat().map(ring => ({ ring, owner })))
  const isJunction = junctionsOf([{ ring: frame, owner: -1 }, ...owned], { corners: frame, apart })
  const arcs = new Arcs()
  const paths = objects.map((polygons, owner) =>
    polygons.map(rings => rings.map(ring => cut(unitSteps(ring), isJunction).map(line => arcs.use(line, owner))))
  )
  const rings = paths.flat(2)
  for (const arc of arcs.all) arc.spans = simplified(arc.exact, { from: 0, to: arc.exact.length - 1, tolerance })
  for (;;) {
    const coarse = new Set([...collapsedSpans(rings), ...crossingSpans(arcs.all, apart)])
    if (!coarse.size) break
    // Exact borders do not cross, so this ends.
    for (const arc of arcs.all)
      arc.spans = arc.spans.flatMap(span =>
        coarse.has(span)
          ? simplified(arc.exact, { ...span, tolerance: span.tolerance > 0.5 ? span.tolerance / 2 : 0 })
          : [span]
      )
  }
  return paths.map(polygons => polygons.map(rings => rings.map(ring => joined(ring))))
}

/** A border between two junctions, or a closed one without junctions. */
interface Arc {
  /** The corners of the exact border. */
  readonly exact: readonly Position[]
  spans: readonly Span[]
  /** The objects that it bounds. */
  readonly owners: Set<number>
}

/** A segment of a simplified border: it replaces the corners from one index of the exact border to another. */
interface Span {
  readonly from: number
  readonly to: number
  readonly tolerance: number
}

const isExact = ({ from, to }: Span): boolean => to - from === 1

/** A part of a border with some corners left out. */
function simplified(exact: readonly Position[], { from, to, tolerance }: Span): Span[] {
  const corners = tolerance > 0 ? simplifyLine(exact.slice(from, to + 1), tolerance) : exact.slice(from, to + 1)
  const spans: Span[] = []
  let at = from
  for (const corner of corners.slice(1)) {
    const start = at
    do at++
    while (!same(exact[at], corner))
    spans.push({ from: start, to: at, tolerance })
  }
  return spans
}

/** An arc as part of a ring, in its own or the other direction. */
interface Use {
  readonly arc: Arc
  readonly backwards: boolean
}

/** A position as a number: coordinates of images are below 2²⁶. */
const keyOf = ([x, y]: Position): number => y * 2 ** 26 + x

/** All pixel corners along a closed ring; the last repeats the first. */
function unitSteps(ring: Ring): Position[] {
  const steps: Position[] = [ring[0]]
  for (let i = 1; i < ring.length; i++) {
    let [x, y] = ring[i - 1]
    const [toX, toY] = ring[i]
    while (x !== toX || y !== toY) {
      x += Math.sign(toX - x)
      y += Math.sign(toY - y)
      steps.push([x, y])
    }
  }
  return steps
}

/**
 * A pixel corner is a junction where rings of objects that must stay apart pass it along different edges; so are the
 * corners of the image.
 */
function junctionsOf(
  rings: readonly { readonly ring: Ring; readonly owner: number }[],
  { corners, apart }: { corners: Ring; apart: Apart }
): (position: Position) => boolean {
  const passes = new Map<number, { readonly edges: number; readonly owner: number }[]>()
  const junctions = new Set(corners.map(keyOf))
  for (const { ring, owner } of rings) {
    const steps = unitSteps(ring)
    for (let i = 1; i < steps.length; i++) {
      const edges = directionBit(steps[i], steps[i - 1]) | directionBit(steps[i], steps[i + 1] ?? steps[1])
      const key = keyOf(steps[i])
      const others = passes.get(key)
      if (!others) passes.set(key, [{ edges, owner }])
      else {
        if (others.some(other => other.edges !== edges && apart(owner, other.owner))) junctions.add(key)
        others.push({ edges, owner })
      }
    }
  }
  return position => junctions.has(keyOf(position))
}

/** One of four bits for the neighbour of a pixel corner. */
const directionBit = ([x, y]: Position, [nx, ny]: Position): number =>
  1 << (nx !== x ? (nx > x ? 0 : 1) : ny > y ? 2 : 3)

/** Splits a closed line at its junctions. Without junctions it is one closed line from its smallest corner. */
function cut(closed: readonly Position[], isJunction: (position: Position) => boolean): Position[][] {
  const open = closed.slice(1)
  const first = open.findIndex(isJunction)
  const start = first >= 0 ? first : open.reduce((least, p, i) => (keyOf(p) < keyOf(open[least]) ? i : least), 0)
  const lines: Position[][] = []
  let line = [open[start]]
  for (let i = 1; i <= open.length; i++) {
    const position = open[(start + i) % open.length]
    line.push(position)
    if (i < open.length && !isJunction(position)) continue
    lines.push(line)
    line = [position]
  }
  return lines
}

/** The arcs of all objects. */
class Arcs {
  readonly all: Arc[] = []
  readonly #byEnds = new Map<string, Arc[]>()

  /** The arc of a line, which another ring may already use, also in the other direction. */
  use(line: readonly Position[], owner: number): Use {
    const exact = line.filter((p, i) => i === 0 || i === line.length - 1 || isTurn(line[i - 1], p, line[i + 1]))
    const [from, to] = [keyOf(line[0]), keyOf(line.at(-1)!)]
    const ends = `${Math.min(from, to)} ${Math.max(from, to)} ${exact.length}`
    const candidates = this.#byEnds.get(ends) ?? []
    this.#byEnds.set(ends, candidates)
    const reversed = [...exact].reverse()
    for (const arc of candidates) {
      const forwards = sameLine(arc.exact, exact)
      if (!forwards && !sameLine(arc.exact, reversed)) continue
      arc.owners.add(owner)
      return { arc, backwards: !forwards }
    }
    const arc = { exact, spans: [], owners: new Set([owner]) }
    candidates.push(arc)
    this.all.push(arc)
    return { arc, backwards: false }
  }
}

const sameLine = (a: readonly Position[], b: readonly Position[]): boolean => a.every((p, i) => same(p, b[i]))

const isTurn = (a: Position, b: Position, c: Position): boolean => side(a, b, c) !== 0

/** Positive where c lies right of the line from a to b, as seen on the screen; 0 on it. */
const side = ([ax, ay]: Position, [bx, by]: Position, [cx, cy]: Position): number =>
  (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

/** A closed ring of its arcs, simplified or exact. */
function joined(uses: readonly Use[], lineOf = simplifiedLine): Ring {
  const open = uses.flatMap(({ arc, backwards }) => {
    const line = lineOf(arc)
    return (backwards ? [...line].reverse() : line).slice(0, -1)
  })
  return [...open, open[0]]
}

const simplifiedLine = ({ exact, spans }: Arc): readonly Position[] => [exact[0], ...spans.map(({ to }) => exact[to])]

/** What can be refined of rings that enclose no area, or run the other way around. */
const collapsedSpans = (rings: readonly (readonly Use[])[]): Span[] =>
  rings
    .filter(uses => Math.sign(signedArea(joined(uses))) !== Math.sign(signedArea(joined(uses, ({ exact }) => exact))))
    .flatMap(uses => uses.flatMap(({ arc }) => arc.spans.filter(span => !isExact(span))))

interface Segment {
  readonly a: Position
  readonly b: Position
  readonly span: Span
  readonly owners: ReadonlySet<number>
}

/**
 * The segments of objects that must stay apart which meet anywhere but at a common end, where they can be refined.
 */
function crossingSpans(arcs: readonly Arc[], apart: Apart): Span[] {
  const mayNotMeet = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean =>
    [...a].some(i => [...b].some(k => apart(i, k)))
  const cells = new Map<number, Segment[]>()
  const found: Span[] = []
  for (const { exact, spans, owners } of arcs) {
    for (const span of spans) {
      const segment = { a: exact[span.from], b: exact[span.to], span, owners }
      for (const cell of cellsOf(segment)) {
        const others = cells.get(cell)
        if (!others) {
          cells.set(cell, [segment])
          continue
        }
        for (const other of others)
          if (!(isExact(span) && isExact(other.span)) && meet(segment, other) && mayNotMeet(owners, other.owners))
            found.push(span, other.span)
        others.push(segment)
      }
    }
  }
  return found.filter(span => !isExact(span))
}

const cellSide = 16

/** The cells of a coarse grid that the bounding box of a segment covers. */
function cellsOf({ a, b }: Segment): number[] {
  const range = (axis: 0 | 1): [number, number] => [
    Math.floor(Math.min(a[axis], b[axis]) / cellSide),
    Math.floor(Math.max(a[axis], b[axis]) / cellSide)
  ]
  const [[x0, x1], [y0, y1]] = [range(0), range(1)]
  const cells: number[] = []
  for (let y = y0; y <= y1; y++) for (let x = x0; x <= x1; x++) cells.push(keyOf([x, y]))
  return cells
}

const same = (a: Position, b: Position): boolean => a[0] === b[0] && a[1] === b[1]

/** Whether two segments have a point in common that is not an end of both. Coordinates are whole, so this is exact. */
function meet({ a, b }: Segment, { a: c, b: d }: Segment): boolean {
  const ends = [a, b].flatMap(p => [c, d].filter(q => same(p, q)))
  if (ends.length === 2) return true
  if (ends.length === 1) {
    const [p, q] = [same(a, ends[0]) ? b : a, same(c, ends[0]) ? d : c]
    const [x, y] = ends[0]
    // In one direction from the common end, one lies on the other.
    return side(ends[0], p, q) === 0 && (p[0] - x) * (q[0] - x) + (p[1] - y) * (q[1] - y) > 0
  }
  const [s1, s2, s3, s4] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)]
  if (s1 === 0 && s2 === 0) return overlap([a, b], [c, d], 0) && overlap([a, b], [c, d], 1)
  return Math.sign(s1) * Math.sign(s2) <= 0 && Math.sign(s3) * Math.sign(s4) <= 0
}

type Ends = readonly [Position, Position]

const overlap = ([a, b]: Ends, [c, d]: Ends, axis: 0 | 1): boolean =>
  Math.max(Math.min(a[axis], b[axis]), Math.min(c[axis], d[axis])) <=
  Math.min(Math.max(a[axis], b[axis]), Math.max(c[axis], d[axis]))
