import type { Rng } from '@sam/rng'
import type { Description } from './description.js'
import { anyShape, box, ellipse, intersect, place, subtract, union, type Pose, type Shape } from './shapes.js'
import { anySurface, type NamedSurface, type Rgb, type Surface } from './surface.js'
import { takenFor } from './taken-for.js'

/** A region of an object, painted after its parent. */
export interface Region {
  readonly shape: Shape
  /** The shape before it was clipped to its parent. Default: `shape`. */
  readonly named?: Shape
  readonly surface: Surface
  readonly level: 'whole' | 'part' | 'subpart'
  /** Index, in the object's list, of the region that it is a part of. */
  readonly parent?: number
  readonly about: Description
}

/**
 * An object with parts and subparts: the whole first, each part after its parent. `reach` is the radius around the
 * centre that contains all of it, in pixels.
 */
export interface SceneObject {
  readonly pose: Pose
  readonly reach: number
  readonly regions: readonly Region[]
}

interface PartOptions {
  readonly pose: Pose
  readonly near: Rgb
  readonly light: number
  readonly compact?: boolean
}

/**
 * A random object: a shape, or a body with limbs, with patches, bands, rims or holes, and again on those. `simple` ones
 * are a shape alone.
 */
export function anyObject(
  rng: Rng,
  pose: Pose,
  { light, simple = false }: { light: number; simple?: boolean }
): SceneObject {
  const regions: Region[] = []
  const scale = pose.radius
  if (simple) {
    const [{ name, shape }, bodySurface] = [anyShape(rng), anySurface(rng, { scale, light })]
    return {
      pose,
      reach: 2.1 * scale,
      regions: [
        { shape: place(shape, pose), surface: bodySurface.surface, level: 'whole', about: named(name, bodySurface) }
      ]
    }
  }
  const limbs = rng.chance(0.3)
  const { name, shape } = anyShape(rng, { compact: limbs || rng.chance(0.5) })
  const body = place(shape, pose)
  const bodySurface = anySurface(rng, { scale, light })
  const whole: Description = { ...named(name, bodySurface), ...(limbs && { limbs }) }

  const attached = limbs ? Array.from({ length: rng.int(1, 4) }, () => limb(rng, pose)) : []
  regions.push({ shape: union(body, ...attached), surface: bodySurface.surface, level: 'whole', about: whole })
  for (const part of attached) {
    const own = anySurface(rng, { scale: scale / 3, near: rng.chance(0.6) ? bodySurface.base : undefined, light })
    regions.push({
      shape: part,
      surface: own.surface,
      level: 'part',
      parent: 0,
      about: { ...named('limb', own), of: { link: 'of', whole } }
    })
  }
  // With limbs, the body is a part on top of them; without, it is the whole.
  const torso = attached.length
    ? regions.push({
        shape: body,
        surface: bodySurface.surface,
        level: 'part',
        parent: 0,
        about: { ...named('body', bodySurface), of: { link: 'of', whole } }
      }) - 1
    : 0

  for (let i = rng.pick([0, 1, 1, 2, 3]); i > 0; i--) {
    const part = { pose: within(rng, pose), near: bodySurface.base, light }
    const index = addPart(rng, regions, { of: torso, whole, ...part }) // on the body
    for (let j = rng.pick([0, 1, 1, 2]); j > 0; j--)
      addPart(rng, regions, { of: index, whole, ...part, pose: within(rng, part.pose) })
  }
  return { pose, reach: 2.1 * scale, regions }
}

/** The description of a kind with a surface. */
const named = (noun: string, { color, second, pattern, maybe = [] }: NamedSurface): Description => ({
  noun,
  ...(color && { color }),
  ...(second && { second }),
  ...(pattern && { pattern }),
  maybe: [...takenFor(noun), ...maybe]
})

function addPart(
  rng: Rng,
  regions: Region[],
  { of, whole, pose, near, light }: PartOptions & { of: number; whole: Description }
): number {
  const host = regions[of]
  const { name, shape, named: uncut } = patch(rng, host.shape, pose)
  const own = anySurface(rng, { scale: pose.radius, near: rng.chance(0.4) ? near : undefined, light })
  const level =
    host.level === 'whole'
      ? 'part'
      : host.level === 'part' && host.parent === 0 && of !== 0 && host.about.noun === 'body'
        ? 'part'
        : 'subpart'
  const link = ['side', 'rim', 'core'].includes(name) ? 'of' : 'on'
  return (
    regions.push({
      shape,
      ...(uncut && { named: uncut }),
      surface: own.surface,
      level,
      parent: of,
      about: { ...named(name, own), of: { link, whole } }
    }) - 1
  )
}

/** A region inside its parent: a patch, a band across it, one side of it, its rim or its core. */
function patch(rng: Rng, host: Shape, pose: Pose): Pick<Region, 'shape' | 'named'> & { name: string } {
  const kind = rng.pick(['patch', 'patch', 'patch', 'band', 'side', 'rim', 'core'])
  const turned = { ...pose, angle: rng.between(0, Math.PI) }
  switch (kind) {
    case 'band':
      return { name: kind, shape: intersect(host, place(box(6, rng.between(0.4, 0.8)), turned)) }
    case 'side':
      return {
        name: kind,
        shape: intersect(
          host,
          place((_, y) => y, turned)
        )
      }
    case 'rim': {
      const inset = Math.max(3, pose.radius * rng.between(0.3, 0.6))
      return { name: kind, shape: subtract(host, (x, y) => host(x, y) + inset) }
    }
    case 'core': {
      const inset = Math.max(3, pose.radius * rng.between(0.25, 0.5))
      return { name: kind, shape: (x, y) => host(x, y) + inset }
    }
    default: {
      const { name, shape } = rng.chance(0.3)
        ? { name: 'spot', shape: ellipse(1, 1) }
        : anyShape(rng, { compact: rng.chance(0.7) })
      const named = place(shape, turned)
      return { name, shape: intersect(host, named), named }
    }
  }
}

/** A smaller pose somewhere inside. */
const within = (rng: Rng, { x, y, radius }: Pose): Pose => {
  const [angle, out] = [rng.between(0, 2 * Math.PI), radius * rng.between(0, 0.5)]
  return { x: x + out * Math.cos(angle), y: y + out * Math.sin(angle), radius: radius * rng.between(0.4, 0.75), angle }
}

/** A limb: a shape that sticks out of the body. */
function limb(rng: Rng, { x, y, radius }: Pose): Shape {
  const angle = rng.between(0, 2 * Math.PI)
  const out = radius * rng.between(0.8, 1.1)
  const pose = {
    x: x + out * Math.cos(angle),
    y: y + out * Math.sin(angle),
    radius: radius * rng.between(0.4, 0.75),
    angle
  }
  const shape = rng.pick([
    () => ellipse(1, rng.between(0.25, 0.6)),
    () => box(1, rng.between(0.2, 0.5), 0.15),
    () => anyShape(rng, { compact: true }).shape
  ])()
  return place(shape, pose)
}
