import type { Rng } from '@sam/rng'
import type { Description } from './description.js'

/** Red, green, blue in [0, 1]. */
export type Rgb = readonly [number, number, number]

/** Colour of a surface at a position of the scene, given the distance to its outline (negative inside). */
export type Surface = (x: number, y: number, distance: number) => Rgb

export interface NamedSurface extends Pick<Description, 'color' | 'second' | 'pattern' | 'maybe'> {
  readonly base: Rgb
  readonly surface: Surface
}

const hues = ['red', 'orange', 'yellow', 'green', 'cyan', 'blue', 'purple', 'pink'] as const
const hueOf = [0, 28, 52, 120, 180, 225, 275, 325]

export function hsv(hue: number, saturation: number, value: number): Rgb {
  const f = (n: number): number => {
    const k = (n + hue / 60) % 6
    return value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1))
  }
  return [f(5), f(3), f(1)]
}

/** A random colour. Most are of one of eight hues and saturated enough to be named by it. */
function anyColor(rng: Rng): Rgb {
  if (rng.chance(0.2)) {
    const value = rng.unit()
    return hsv(rng.between(0, 360), rng.between(0, 0.12), 0.08 + 0.9 * value)
  }
  const i = rng.int(0, hues.length - 1)
  const [saturation, value] = [rng.between(0.35, 1), rng.between(0.35, 1)]
  return hsv((hueOf[i] + rng.between(-12, 12) + 360) % 360, saturation, value)
}

/** The name of a colour: black, gray or white; the nearest of eight hues; or brown, a dark orange. */
export function colorName(rgb: Rgb): string {
  const [most, least] = [Math.max(...rgb), Math.min(...rgb)]
  if (most < 0.2 || most - least < 0.2 * most) return most < 0.305 ? 'black' : most > 0.755 ? 'white' : 'gray'
  const [r, g, b] = rgb
  const sixth =
    most === r ? (g - b) / (most - least) : most === g ? 2 + (b - r) / (most - least) : 4 + (r - g) / (most - least)
  const hue = (60 * sixth + 360) % 360
  const away = (i: number): number => Math.min(Math.abs(hue - hueOf[i]), 360 - Math.abs(hue - hueOf[i]))
  const i = hues.reduce((best, _, k) => (away(k) < away(best) ? k : best), 0)
  return i === 1 && most < 0.6 ? 'brown' : hues[i]
}

/** Smooth random bumps in [0, 1], `cell` pixels wide. */
export function valueNoise(rng: Rng, cell: number): (x: number, y: number) => number {
  const n = 32
  const lattice = Float32Array.from({ length: n * n }, () => rng.unit())
  const smooth = (t: number): number => t * t * (3 - 2 * t)
  return (x, y) => {
    const [u, v] = [x / cell + 1000, y / cell + 1000]
    const [i, j] = [Math.floor(u), Math.floor(v)]
    const [s, t] = [smooth(u - i), smooth(v - j)]
    const [r0, r1] = [(j % n) * n, ((j + 1) % n) * n]
    const [a, b] = [lattice[r0 + (i % n)], lattice[r0 + ((i + 1) % n)]]
    const [c, d] = [lattice[r1 + (i % n)], lattice[r1 + ((i + 1) % n)]]
    return (a + (b - a) * s) * (1 - t) + (c + (d - c) * s) * t
  }
}

const blend = (a: Rgb, b: Rgb, t: number): Rgb => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t
]
const shade = (a: Rgb, k: number): Rgb => [a[0] * k, a[1] * k, a[2] * k]

/** Each returns the share of the second colour at a position, in [0, 1]. */
const patterns: Readonly<Record<string, (rng: Rng, scale: number) => (x: number, y: number) => number>> = {
  plain: () => () => 0,
  mottled: (rng, scale) => valueNoise(rng, Math.max(3, scale * rng.between(0.15, 0.5))),
  grainy: rng => {
    const noise = valueNoise(rng, 1.6)
    return (x, y) => 0.6 * noise(x, y)
  },
  striped: (rng, scale) => {
    const [angle, period, duty] = [
      rng.between(0, Math.PI),
      Math.max(5, scale * rng.between(0.2, 0.6)),
      rng.between(-0.4, 0.4)
    ]
    const [c, s] = [(Math.cos(angle) * 2 * Math.PI) / period, (Math.sin(angle) * 2 * Math.PI) / period]
    return (x, y) => (Math.sin(x * c + y * s) > duty ? 1 : 0)
  },
  checkered: (rng, scale) => {
    const [angle, period] = [rng.between(0, Math.PI), Math.max(4, scale * rng.between(0.2, 0.5))]
    const [c, s] = [Math.cos(angle) / period, Math.sin(angle) / period]
    return (x, y) => (Math.floor(x * c + y * s) + Math.floor(y * c - x * s)) & 1
  },
  dotted: (rng, scale) => {
    const [period, size] = [Math.max(6, scale * rng.between(0.25, 0.5)), rng.between(0.2, 0.38)]
    return (x, y) =>
      Math.hypot(x / period - Math.round(x / period), y / period - Math.round(y / period)) < size ? 1 : 0
  },
  shaded: (rng, scale) => {
    const angle = rng.between(0, 2 * Math.PI)
    const [c, s, phase] = [Math.cos(angle) / (3 * scale), Math.sin(angle) / (3 * scale), rng.unit()]
    return (x, y) => Math.abs((x * c + y * s + phase) % 2)
  }
}

/**
 * Contrast from which a pattern is recognisable through blur and noise; below `unseen` it is invisible.
 */
const clear: Readonly<Record<string, number>> = {
  mottled: 0.2,
  grainy: 0.3,
  striped: 0.12,
  checkered: 0.12,
  dotted: 0.12,
  shaded: 0.3
}
const unseen = 0.04
/** Patterns that light and noise alone may suggest on a plain surface. */
const likePlain = ['shaded', 'grainy']

/**
 * A random surface for a region of `scale` pixels in radius; `near` is a colour to resemble, as parts of one object do.
 */
export function anySurface(
  rng: Rng,
  { scale, near, light }: { scale: number; near?: Rgb | undefined; light: number }
): NamedSurface {
  const main = anyColor(rng)
  const base = near ? blend(shade(near, rng.between(0.6, 1.35)), main, rng.between(0, 0.35)) : main
  const other = rng.chance(0.5) ? anyColor(rng) : shade(base, rng.between(0.45, 0.8))
  const pattern = rng.chance(0.35) ? 'plain' : rng.pick(Object.keys(patterns))
  const mix = patterns[pattern](rng, scale)
  const strength = pattern === 'plain' ? 0 : rng.between(0.25, 1)

  // Rounded edges: bright towards the light, dark away from it. Sometimes a thin outline.
  const [relief, rim] = [rng.between(0, 0.5), rng.chance(0.2) ? rng.between(0.3, 0.7) : 1]
  const [lx, ly] = [Math.cos(light) / scale, Math.sin(light) / scale]
  const [cx, cy] = [rng.between(0, 256), rng.between(0, 256)]
  const bevel = Math.max(2, 0.35 * scale)
  const surface: Surface = (x, y, distance) => {
    const edge = Math.max(0, 1 + distance / bevel)
    const lit = 1 - relief * edge * 0.7 + 0.15 * relief * Math.sin((x - cx) * lx + (y - cy) * ly)
    return shade(blend(base, other, strength * mix(x, y)), lit * (distance > -1.5 ? rim : 1))
  }
  const far = blend(base, other, strength)
  const contrast = Math.max(...base.map((x, i) => Math.abs(x - far[i])))
  const seen = contrast < unseen ? 'plain' : contrast >= clear[pattern] ? pattern : undefined
  const [color, beside] = [colorName(base), colorName(far)]
  const second = beside !== color && seen !== undefined && seen !== 'plain' && seen !== 'grainy' ? beside : undefined
  const others = new Set([
    ...nearlyNamed(base),
    ...nearlyNamed(far),
    ...nearlyNamed(blend(base, far, 0.5)),
    ...(seen === 'plain' ? likePlain : [])
  ])
  const maybe = [...others].filter(name => name !== color && name !== second)
  return { color, ...(seen && { pattern: seen }), ...(second && { second }), maybe, base, surface }
}

/**
 * Names of a colour under camera effects: darker, brighter, paler, and with each channel a little higher or lower.
 */
function nearlyNamed(rgb: Rgb): readonly string[] {
  const step = 0.06 * (Math.max(...rgb) - Math.min(...rgb))
  const shifted = [0, 1, 2].flatMap(k => [step, -step].map(by => rgb.map((x, c) => (c === k ? x + by : x))))
  const seen = [rgb, rgb.map(x => 0.75 * x), rgb.map(x => 1.25 * x), rgb.map(x => 0.85 * x + 0.1), ...shifted]
  const shown = (x: number): number => Math.min(1, Math.max(0, x))
  return seen.map(([r, g, b]) => colorName([shown(r), shown(g), shown(b)]))
}
