import type { RgbImage } from '@sam/core'
import { createRng, type Rng } from '@sam/rng'
import { captionOf, withoutColor, type Description } from './description.js'
import { anyObject, type Region, type SceneObject } from './object.js'
import type { Shape } from './shapes.js'
import { anySurface, valueNoise, type Surface } from './surface.js'

export interface SceneOptions {
  /** Longer side, in pixels. */
  readonly size: number
  /** Different seeds give different scenes. */
  readonly seed: number
  /** Smallest visible area of a listed mask, in pixels. Default: 1% of the square. */
  readonly minArea?: number
  /**
   * Fraction of scenes with simple objects: more of them, smaller, without parts and with nothing on top. Default: 0.
   */
  readonly simple?: number
}

/** The visible pixels of one object or part. */
export interface SceneMask {
  /** 1 inside, row by row, of the image's size. */
  readonly mask: Uint8Array
  readonly level: 'whole' | 'part' | 'subpart'
  /** Index in the scene's list of the mask that this one is a part of. */
  readonly parent?: number
  /** For example `a striped red and blue star with limbs`. */
  readonly caption: string
  /** The attributes behind the caption. */
  readonly about: Description
  /** Set where too little is visible to recognise the caption: occluded, or cut off by the image border. */
  readonly obscured?: true
}

/** One image with the masks of everything visible in it. */
export interface Scene {
  /** For messages: the seed and the index. */
  readonly name: string
  readonly image: RgbImage
  readonly truths: readonly SceneMask[]
}

/** An endless data set; it fits `Dataset` of `@sam/train`. */
export interface Scenes {
  /** Infinity. */
  readonly size: number
  /** The scene of an index: the same each time. */
  read(index: number): Promise<Scene>
}

/**
 * Endless scenes: overlapping objects with parts and subparts, shaded, textured, noisy and slightly blurred, each with
 * the exact mask of its visible pixels. Scene n is a pure function of the seed and n.
 */
export const scenes = ({ size, seed, minArea = (size * size) / 100, simple = 0 }: SceneOptions): Scenes => ({
  size: Infinity,
  read: async index =>
    scene(createRng(seed, index), {
      size,
      minArea,
      simple: createRng(seed, index, simpleKey).chance(simple),
      name: `scene ${index} of seed ${seed}`
    })
})

/** RNG stream of the choice between simple and full scenes. */
const simpleKey = 0x53494d50

interface Canvas {
  readonly width: number
  readonly height: number
  /** Linear r, g, b in [0, 1]. */
  readonly pixels: Float32Array
  /** Index of the topmost region of each pixel; −1 for the background. */
  readonly owner: Int32Array
}

function scene(
  rng: Rng,
  { size, minArea, simple, name }: { size: number; minArea: number; simple: boolean; name: string }
): Scene {
  const short = rng.chance(0.3) ? Math.round(size * rng.between(0.6, 1)) : size
  const [width, height] = rng.chance(0.5) ? [size, short] : [short, size]
  const canvas: Canvas = {
    width,
    height,
    pixels: new Float32Array(width * height * 3),
    owner: new Int32Array(width * height).fill(-1)
  }
  const light = rng.between(0, 2 * Math.PI)
  paintGround(rng, canvas, light)

  const painted: Painted[] = []
  const crowd = simple ? rng.int(5, 9) : rng.int(1, 5)
  for (let i = 0; i < crowd; i++) {
    const radius =
      size *
      (simple
        ? rng.between(0.12, 0.2)
        : (rng.chance(0.3) ? rng.between(0.3, 0.5) : rng.between(0.15, 0.3)) * (crowd > 3 ? 0.8 : 1))
    const object = anyObject(
      rng,
      {
        x: rng.between(0.1, 0.9) * width,
        y: rng.between(0.1, 0.9) * height,
        radius,
        angle: rng.between(0, 2 * Math.PI)
      },
      { light, simple }
    )
    const first = painted.length
    if (rng.chance(0.6)) castShadow(rng, canvas, { ...object, light })
    for (const region of object.regions) {
      painted.push({
        region,
        parent: region.parent === undefined ? undefined : first + region.parent,
        extent: extentOf(object, region.named ?? region.shape)
      })
      paint(canvas, region, { id: painted.length - 1, object })
    }
  }
  const { gray } = develop(rng, canvas)
  return {
    name,
    image: { width, height, data: toBytes(canvas.pixels) },
    truths: visible(canvas, painted, { minArea, gray })
  }
}

function paintGround(rng: Rng, { width, height, pixels }: Canvas, light: number): void {
  const far = anySurface(rng, { scale: width / 4, light })
  const near = rng.chance(0.4) ? anySurface(rng, { scale: width / 6, light }) : far
  const horizon = height * rng.between(0.2, 0.8)
  const tilt = rng.between(-0.3, 0.3)
  const cloud = valueNoise(rng, width / 3)
  const depth = rng.between(0, 0.5)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const { surface } = y + tilt * (x - width / 2) < horizon ? far : near
      const k = 1 - depth * cloud(x, y)
      const rgb = surface(x, y, -1e3)
      for (let c = 0; c < 3; c++) pixels[at + c] = rgb[c] * k
    }
  }
}

interface Extent {
  readonly pose: { readonly x: number; readonly y: number }
  readonly reach: number
}

const tile = 8

/**
 * Visits the pixels within `reach` that the shape, or a border around it, may touch: tiles far outside are skipped.
 */
function around(
  { width, height }: Canvas,
  { pose, reach, shape, border = 0 }: Extent & { shape: Shape; border?: number },
  visit: (x: number, y: number, at: number) => void
): void {
  const [left, right] = [Math.max(0, Math.floor(pose.x - reach)), Math.min(width, Math.ceil(pose.x + reach))]
  const [top, bottom] = [Math.max(0, Math.floor(pose.y - reach)), Math.min(height, Math.ceil(pose.y + reach))]
  for (let ty = top; ty < bottom; ty += tile) {
    for (let tx = left; tx < right; tx += tile) {
      // A wavy outline's distance may be overstated, hence twice half a tile's diagonal.
      if (shape(tx + tile / 2, ty + tile / 2) > 1.5 * tile + border) continue
      for (let y = ty; y < Math.min(ty + tile, bottom); y++)
        for (let x = tx; x < Math.min(tx + tile, right); x++) visit(x, y, y * width + x)
    }
  }
}

/** Paints a region, antialiased; a pixel is owned by the region that covers its centre. */
function paint(
  canvas: Canvas,
  { shape, surface }: { shape: Shape; surface: Surface },
  { id, object }: { id: number; object: Extent }
): void {
  const { pixels, owner } = canvas
  around(canvas, { ...object, shape }, (x, y, at) => {
    const distance = shape(x + 0.5, y + 0.5)
    const cover = Math.min(1, Math.max(0, 0.5 - distance))
    if (cover === 0) return
    const rgb = surface(x, y, distance)
    for (let c = 0; c < 3; c++) pixels[3 * at + c] += (rgb[c] - pixels[3 * at + c]) * cover
    if (distance < 0) owner[at] = id
  })
}

function castShadow(
  rng: Rng,
  canvas: Canvas,
  { regions, pose, reach, light }: Extent & { regions: readonly Region[]; light: number }
): void {
  const [length, strength, soft] = [reach * rng.between(0.03, 0.15), rng.between(0.2, 0.6), rng.between(1, 8)]
  const [dx, dy] = [Math.cos(light) * length, Math.sin(light) * length]
  const { shape } = regions[0]
  const shifted: Shape = (x, y) => shape(x - dx, y - dy)
  around(
    canvas,
    { pose: { x: pose.x + dx, y: pose.y + dy }, reach: reach + soft, shape: shifted, border: soft },
    (x, y, at) => {
      const dark = strength * Math.min(1, Math.max(0, 0.5 - shifted(x, y) / (2 * soft)))
      for (let c = 0; c < 3; c++) canvas.pixels[3 * at + c] *= 1 - dark
    }
  )
}

/** Camera effects: uneven light over the frame, blur, exposure, noise; some images are gray. */
function develop(rng: Rng, { width, height, pixels }: Canvas): { gray: boolean } {
  const [fall, angle] = [rng.between(0, 0.5), rng.between(0, 2 * Math.PI)]
  const [fx, fy] = [(fall * Math.cos(angle)) / width, (fall * Math.sin(angle)) / height]
  const [gain, lift, noise] = [
    rng.between(0.75, 1.25),
    rng.between(-0.05, 0.12),
    rng.chance(0.7) ? rng.between(0, 0.06) : 0
  ]
  const gray = rng.chance(0.06)
  let grain = rng.int(0, 0x7fffffff)
  const uniform = (): number => (grain = (Math.imul(grain, 1664525) + 1013904223) >>> 0) / 2 ** 32
  if (rng.chance(0.5)) blur(pixels, { width, height, sigma: rng.between(0.3, 1.1) })
  for (let at = 0, i = 0; at < pixels.length; at += 3, i++) {
    const k = gain * (1 + fx * ((i % width) - width / 2) + fy * (Math.floor(i / width) - height / 2))
    if (gray) pixels.fill(0.3 * pixels[at] + 0.59 * pixels[at + 1] + 0.11 * pixels[at + 2], at, at + 3)
    // The sum of two uniforms approximates a normal well enough for grain, and is fast.
    for (let c = 0; c < 3; c++)
      pixels[at + c] = pixels[at + c] * k + lift + (noise && noise * (uniform() + uniform() - 1) * 2)
  }
  return { gray }
}

/** Gaussian blur; three taps per axis suffice for its small σ. */
function blur(pixels: Float32Array, { width, height, sigma }: { width: number; height: number; sigma: number }): void {
  const side = Math.exp(-0.5 / sigma ** 2)
  const [centre, wing] = [1 / (1 + 2 * side), side / (1 + 2 * side)]
  for (const [step, count, line] of [
    [3, width, height],
    [3 * width, height, width]
  ] as const) {
    const other = step === 3 ? 3 * width : 3
    for (let l = 0; l < line; l++) {
      for (let c = 0; c < 3; c++) {
        let before = pixels[l * other + c]
        for (let i = 0, at = l * other + c; i < count; i++, at += step) {
          const here = pixels[at]
          pixels[at] = centre * here + wing * (before + (i + 1 < count ? pixels[at + step] : here))
          before = here
        }
      }
    }
  }
}

const toBytes = (pixels: Float32Array): Uint8Array => {
  const bytes = new Uint8ClampedArray(pixels.length) // rounds and clamps
  for (let i = 0; i < pixels.length; i++) bytes[i] = 255 * pixels[i]
  return new Uint8Array(bytes.buffer)
}

interface Painted {
  readonly region: Region
  /** Index of its parent in the list. */
  readonly parent: number | undefined
  /** Area of the whole shape without occlusion or image border, in pixels. */
  readonly extent: number
}

/** Approximate area of a shape, visible or not, in pixels. */
function extentOf({ pose, reach }: SceneObject, shape: Shape): number {
  const step = reach / 24
  let hits = 0
  for (let y = pose.y - reach; y < pose.y + reach; y += step)
    for (let x = pose.x - reach; x < pose.x + reach; x += step) if (shape(x, y) < 0) hits++
  return hits * step * step
}

/**
 * Fraction of an object that must be visible to recognise its shape, and fraction of the visible area that must show
 * its own surface, not that of its parts.
 */
const [leastShape, leastLook] = [0.6, 0.3]
/** Smallest difference between the mean colours of a part and its parent, of 1. */
const leastContrast = 0.05

/**
 * A region's mask is its visible area with that of its parts. Masks that are too small, or hardly differ from their
 * parent, are omitted; mostly hidden ones are listed as `obscured`.
 */
function visible(
  { owner, width, height, pixels }: Canvas,
  painted: readonly Painted[],
  { minArea, gray }: { minArea: number; gray: boolean }
): SceneMask[] {
  const masks = painted.map(() => new Uint8Array(width * height))
  const areas = new Uint32Array(painted.length)
  // Per region, the visible area and colour of its own surface; a body has that of its whole.
  const looks = painted.map(() => ({ area: 0, rgb: [0, 0, 0] }))
  for (let at = 0; at < owner.length; at++) {
    for (
      let id: number | undefined = owner[at] < 0 ? undefined : owner[at];
      id !== undefined;
      id = painted[id].parent
    ) {
      masks[id][at] = 1
      areas[id]++
      if (painted[id].region.surface !== painted[owner[at]].region.surface) continue
      looks[id].area++
      for (let c = 0; c < 3; c++) looks[id].rgb[c] += pixels[3 * at + c]
    }
  }
  const isSeenOn = (id: number, host: number): boolean => {
    const [a, b] = [painted[id].region, painted[host].region]
    const far = Math.max(
      ...[0, 1, 2].map(c =>
        Math.abs(looks[id].rgb[c] / Math.max(1, looks[id].area) - looks[host].rgb[c] / Math.max(1, looks[host].area))
      )
    )
    return a.surface === b.surface || a.about.pattern !== b.about.pattern || far > leastContrast
  }
  const isClear = (id: number): boolean =>
    areas[id] >= leastShape * painted[id].extent && looks[id].area >= leastLook * areas[id]
  const listed = new Map<number, number>()
  const truths: SceneMask[] = []
  for (const [id, { region, parent }] of painted.entries()) {
    const host = parent === undefined ? undefined : listed.get(parent)
    const distinct = parent === undefined || (areas[id] < 0.85 * areas[parent] && isSeenOn(id, parent))
    if (areas[id] < minArea || !distinct || (parent !== undefined && host === undefined)) continue
    listed.set(id, truths.length)
    const about = gray ? withoutColor(region.about) : region.about
    const obscured = !isClear(id) || (host !== undefined && truths[host].obscured)
    truths.push({
      mask: masks[id],
      level: region.level,
      about,
      caption: captionOf(about),
      ...(host !== undefined && { parent: host }),
      ...(obscured && { obscured })
    })
  }
  return truths
}
