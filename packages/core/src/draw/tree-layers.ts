import type { MaskNode } from '../automatic/tree.js'
import type { Rgb } from '../image/image.js'
import type { Mask } from '../masks/mask.js'
import { lighter } from './colors.js'

/** A mask to draw. */
export interface Layer {
  readonly mask: Mask
  readonly color: Rgb
  /** Width of the outline, relative to that of a whole. */
  readonly width: number
}

const styles = {
  whole: { share: 0, width: 1 },
  part: { share: 0.4, width: 0.75 },
  subpart: { share: 0.75, width: 0.5 }
} as const

/** The masks of a tree, in the colour of their whole. Parts and subparts are lighter and have thinner outlines. */
export const treeLayers = (
  tree: readonly MaskNode<{ readonly mask: Mask }>[],
  color: (index: number) => Rgb
): Layer[] => {
  const below = (node: MaskNode<{ readonly mask: Mask }>, rgb: Rgb): Layer[] => [
    { mask: node.item.mask, color: lighter(rgb, styles[node.level].share), width: styles[node.level].width },
    ...node.children.flatMap(child => below(child, rgb))
  ]
  return tree.flatMap((root, i) => below(root, color(i)))
}
