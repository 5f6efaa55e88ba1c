import type { Size } from '../image/resize.js'
import type { Box } from '../masks/box.js'
import { Mask } from '../masks/mask.js'
import { clipRuns, extentOfRuns, sharedArea, uniteRuns } from '../masks/runs.js'
import { cutSides } from './crops.js'
import type { AutomaticMask } from './generator.js'

/** The lowest IoU of two pieces in what their tiles share, for them to be of one object. */
const sameObject = 0.7

/**
 * Whole objects from masks that are cut off by their tiles (`crop`). Two masks of overlapping tiles are pieces of one
 * object if they agree where both tiles see it; a mask is joined with at most one mask of each other tile. What is
 * still cut off then, because the neighbouring tile had no such mask, is dropped.
 *
 * A joined mask has the lowest predicted IoU and stability of its pieces, and the point of the first.
 */
export function joinPieces(pieces: readonly AutomaticMask[], photo: Size): AutomaticMask[] {
  const partners = pieces.map(() => new Map<string, number>())
  const groups = pieces.map((_, i) => i)
  const root = (i: number): number => (groups[i] === i ? i : (groups[i] = root(groups[i])))
  for (const { a, b } of agreeing(pieces)) {
    if (partners[a].has(`${pieces[b].crop}`) || partners[b].has(`${pieces[a].crop}`)) continue
    partners[a].set(`${pieces[b].crop}`, b)
    partners[b].set(`${pieces[a].crop}`, a)
    groups[root(b)] = root(a)
  }
  const isWhole = (piece: AutomaticMask, i: number): boolean => {
    const beyond = [...partners[i].values()].map(k => pieces[k].crop)
    return cutSides(piece.box, piece.crop, photo).every(side =>
      beyond.some(tile => (side < 2 ? tile[side] < piece.crop[side] : tile[side] > piece.crop[side]))
    )
  }
  return [...groupBy(pieces.keys(), root).values()]
    .filter(group => group.length > 1 && group.every(i => isWhole(pieces[i], i)))
    .map(group =>
      united(
        group.map(i => pieces[i]),
        photo
      )
    )
}

function groupBy<T, K>(values: Iterable<T>, keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group) group.push(value)
    else groups.set(keyOf(value), [value])
  }
  return groups
}

/** Pairs of pieces that agree in what their tiles share, best first. */
function agreeing(pieces: readonly AutomaticMask[]): { a: number; b: number; iou: number }[] {
  const pairs: { a: number; b: number; iou: number }[] = []
  const tiles = [...groupBy(pieces.keys(), i => `${pieces[i].crop}`).values()]
  for (const [t, tile] of tiles.entries()) {
    for (const other of tiles.slice(t + 1)) {
      const zone = shared(pieces[tile[0]].crop, pieces[other[0]].crop)
      if (!zone) continue
      const [here, there] = [tile, other].map(list => list.map(i => ({ i, runs: clipRuns(pieces[i].mask.runs, zone) })))
      for (const p of here) {
        for (const q of there) {
          const both = sharedArea(p.runs, q.runs)
          const either = extentOfRuns(p.runs).area + extentOfRuns(q.runs).area - both
          if (either > 0 && both >= sameObject * either) pairs.push({ a: p.i, b: q.i, iou: both / either })
        }
      }
    }
  }
  return pairs.sort((one, other) => other.iou - one.iou)
}

function shared(a: Box, b: Box): Box | undefined {
  const box: Box = [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]
  return box[0] < box[2] && box[1] < box[3] ? box : undefined
}

function united(pieces: readonly AutomaticMask[], { width, height }: Size): AutomaticMask {
  const inside = uniteRuns(pieces.map(({ mask }) => mask.runs))
  const predictedIou = Math.min(...pieces.map(({ mask }) => mask.predictedIou))
  const tiles = pieces.map(({ crop }) => crop)
  const crop = [0, 1, 2, 3].map(i => Math[i < 2 ? 'min' : 'max'](...tiles.map(tile => tile[i]))) as [
    number,
    number,
    number,
    number
  ]
  const stability = Math.min(...pieces.map(piece => piece.stability))
  return {
    ...pieces[0],
    mask: new Mask({ width, height, inside, predictedIou }),
    stability,
    crop,
    ...extentOfRuns(inside)
  }
}
