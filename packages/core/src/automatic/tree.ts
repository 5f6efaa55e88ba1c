import type { Mask } from '../masks/mask.js'
import type { AutomaticMask } from './generator.js'

/** A mask, and the masks inside it. */
export interface MaskNode<T> {
  readonly item: T
  /** The paper's three levels: an object that lies in no other, what lies in it, and all below. */
  readonly level: 'whole' | 'part' | 'subpart'
  /** Largest first. */
  readonly children: readonly MaskNode<T>[]
}

type Item = { readonly mask: Mask } & Partial<Pick<AutomaticMask, 'point' | 'tokenIndex'>>

/** Fractions of a mask that must lie in another one: usually, and if both were predicted for the same point. */
const [inside, insideSamePoint] = [0.9, 0.8]

/**
 * Masks as a tree of wholes, parts and subparts (paper, section 3, "Resolving ambiguity"); roots and children are
 * sorted by area, largest first.
 *
 * The parent of a mask is the smallest larger mask which contains at least 90% of it. 80% are enough if both were
 * predicted for the same point, by different mask tokens: the model itself has then proposed them as whole and part. If
 * two masks have the same number of pixels, the earlier one counts as the larger.
 */
export function maskTree<T extends Item>(items: readonly T[]): MaskNode<T>[] {
  const sorted = items
    .map((item, rank) => ({ item, rank, children: [] as number[] }))
    .sort((a, b) => b.item.mask.area - a.item.mask.area || a.rank - b.rank)
  const roots: number[] = []
  for (const [i, { item }] of sorted.entries()) {
    let parent = i - 1
    while (parent >= 0 && !contains(sorted[parent].item, item)) parent--
    ;(parent < 0 ? roots : sorted[parent].children).push(i)
  }
  const nodeOf =
    (depth: number) =>
    (i: number): MaskNode<T> => ({
      item: sorted[i].item,
      level: (['whole', 'part', 'subpart'] as const)[Math.min(depth, 2)],
      children: sorted[i].children.map(nodeOf(depth + 1))
    })
  return roots.map(nodeOf(0))
}

function contains(large: Item, small: Item): boolean {
  const samePoint =
    large.point !== undefined &&
    large.point.x === small.point?.x &&
    large.point.y === small.point.y &&
    large.tokenIndex !== small.tokenIndex
  const least = samePoint ? insideSamePoint : inside
  return small.mask.area > 0 && small.mask.sharedArea(large.mask) >= least * small.mask.area
}
