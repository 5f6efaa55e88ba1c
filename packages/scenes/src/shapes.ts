import type { Rng } from '@sam/rng'

/**
 * A shape: its signed distance at a position, negative inside, in pixels of the scene. Exact near the outline;
 * elsewhere only the sign is.
 */
export type Shape = (x: number, y: number) => number

/** Centre, radius (half the longer side) and rotation of a shape. */
export interface Pose {
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly angle: number
}

export interface NamedShape {
  readonly name: string
  readonly shape: Shape
}

export const union = (first: Shape, ...rest: readonly Shape[]): Shape =>
  rest.reduce((a, b) => (x, y) => Math.min(a(x, y), b(x, y)), first)
export const intersect =
  (a: Shape, b: Shape): Shape =>
  (x, y) =>
    Math.max(a(x, y), b(x, y))
export const subtract =
  (a: Shape, b: Shape): Shape =>
  (x, y) =>
    Math.max(a(x, y), -b(x, y))

/** Moves, scales and rotates a shape that is centred at the origin with radius about 1. */
export function place(shape: Shape, { x: cx, y: cy, radius, angle }: Pose): Shape {
  const [c, s] = [Math.cos(angle) / radius, Math.sin(angle) / radius]
  return (x, y) => radius * shape((x - cx) * c + (y - cy) * s, (y - cy) * c - (x - cx) * s)
}

export const ellipse =
  (rx: number, ry: number): Shape =>
  (x, y) =>
    (Math.hypot(x / rx, y / ry) - 1) * Math.min(rx, ry)

export const box =
  (hx: number, hy: number, round = 0): Shape =>
  (x, y) => {
    const dx = Math.abs(x) - hx + round
    const dy = Math.abs(y) - hy + round
    return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - round
  }

/** A thick line from a to b. */
export const capsule =
  ([ax, ay]: readonly [number, number], [bx, by]: readonly [number, number], thickness: number): Shape =>
  (x, y) => {
    const dx = bx - ax
    const dy = by - ay
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)))
    return Math.hypot(x - ax - t * dx, y - ay - t * dy) - thickness
  }

export function polygon(points: readonly (readonly [number, number])[]): Shape {
  const n = points.length
  const [xs, ys] = [0, 1].map(axis => Float64Array.from(points, p => p[axis])) as [Float64Array, Float64Array]
  // The innermost loop of most scenes: it allocates nothing.
  return (x, y) => {
    let distance = Infinity
    let inside = false
    for (let i = 0, j = n - 1; i < n; j = i++) {
      const ex = xs[j] - xs[i]
      const ey = ys[j] - ys[i]
      const wx = x - xs[i]
      const wy = y - ys[i]
      const t = Math.min(1, Math.max(0, (wx * ex + wy * ey) / (ex * ex + ey * ey)))
      distance = Math.min(distance, (wx - ex * t) ** 2 + (wy - ey * t) ** 2)
      if (ys[i] > y !== ys[j] > y && x < (ex * (y - ys[i])) / ey + xs[i]) inside = !inside
    }
    return (inside ? -1 : 1) * Math.sqrt(distance)
  }
}

/** An outline of radius r(θ) made of a few waves: a pebble, a leaf, an amoeba. */
export function blob(rng: Rng, wobble: number): Shape {
  const waves = Array.from({ length: 4 }, (_, i) => ({
    n: i + 2,
    a: (rng.between(-1, 1) * wobble) / (i + 1),
    p: rng.between(0, 2 * Math.PI)
  }))
  return (x, y) => {
    const theta = Math.atan2(y, x)
    return Math.hypot(x, y) - waves.reduce((r, { n, a, p }) => r + a * Math.cos(n * theta + p), 0.8)
  }
}

const corners = (n: number, radius: (i: number) => number): [number, number][] =>
  Array.from({ length: n }, (_, i) => [
    radius(i) * Math.cos((2 * Math.PI * i) / n),
    radius(i) * Math.sin((2 * Math.PI * i) / n)
  ])

/** Shapes of objects and parts: compact, concave, thin, and with holes. */
const kinds: Readonly<Record<string, (rng: Rng) => Shape>> = {
  disc: rng => ellipse(1, rng.between(0.7, 1)),
  oval: rng => ellipse(1, rng.between(0.4, 0.7)),
  block: rng => box(rng.between(0.7, 0.95), rng.between(0.4, 0.9), rng.pick([0, 0.1, 0.3])),
  triangle: rng => polygon(corners(3, () => rng.between(0.8, 1.1))),
  polygon: rng => polygon(corners(rng.int(5, 8), () => rng.between(0.75, 1.05))),
  shard: rng => polygon(corners(rng.int(5, 9), () => rng.between(0.4, 1.1))),
  star: rng => {
    const [n, inner] = [rng.int(4, 7), rng.between(0.4, 0.6)]
    return polygon(corners(2 * n, i => (i % 2 ? inner : 1.05)))
  },
  pebble: rng => blob(rng, 0.2),
  amoeba: rng => blob(rng, 0.45),
  crescent: rng =>
    subtract(
      ellipse(1, 1),
      place(ellipse(1, 1), { x: rng.between(0.4, 0.7), y: 0, radius: rng.between(0.7, 0.95), angle: 0 })
    ),
  ring: rng => {
    const [inner, squash] = [rng.between(0.35, 0.68), rng.between(0.7, 1)]
    return subtract(ellipse(1, squash), ellipse(inner, inner * squash))
  },
  frame: rng => {
    const [h, t] = [rng.between(0.6, 0.9), rng.between(0.18, 0.35)]
    return subtract(box(0.9, h, 0.08), box(0.9 - t, h - t, 0.03))
  },
  bar: rng => capsule([-1, 0], [1, rng.between(-0.2, 0.2)], rng.between(0.1, 0.22)),
  bend: rng => {
    const [t, turn] = [rng.between(0.12, 0.22), rng.between(-0.8, 0.8)]
    return union(capsule([-0.9, turn], [0, -0.3], t), capsule([0, -0.3], [0.9, rng.between(-0.6, 0.8)], t))
  },
  cross: rng => {
    const t = rng.between(0.2, 0.34)
    return union(box(1, t), box(t, rng.between(0.7, 1)))
  },
  hook: rng => {
    const t = rng.between(0.14, 0.24)
    return union(
      capsule([-0.6, -0.8], [-0.6, 0.7], t),
      capsule([-0.6, 0.7], [0.7, 0.7], t),
      capsule([0.7, 0.7], [0.7, rng.between(-0.1, 0.4)], t)
    )
  }
}

/** The names of all kinds. */
export const kindNames: readonly string[] = Object.keys(kinds)

/** Kinds without holes and thin limbs, for bodies; a repeated entry is twice as likely. */
export const compactKinds: readonly string[] = [
  'disc',
  'oval',
  'block',
  'triangle',
  'polygon',
  'pebble',
  'pebble',
  'star',
  'amoeba'
]

/** A random kind of shape, around the origin with radius about 1. */
export function anyShape(rng: Rng, { compact = false }: { compact?: boolean } = {}): NamedShape {
  const name = rng.pick(compact ? compactKinds : kindNames)
  return { name, shape: kinds[name](rng) }
}
