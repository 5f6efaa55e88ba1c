import { refuse, shown } from '../errors.js'
import { readOptions } from '../options.js'
import type { Mask } from './mask.js'

/** One object per pixel. */
export interface LabelMap {
  readonly width: number
  readonly height: number
  /** [height, width]. A pixel without a mask is 0; n is the n-th mask of the list, counted from 1. */
  readonly data: Uint16Array
}

export interface LabelMapOptions {
  /**
   * Which mask gets a pixel that several contain: the `first` in the list (default; lists are best first), or the
   * `smallest`, so that parts are visible on their wholes.
   */
  readonly prefer?: 'first' | 'smallest' | undefined
}

/**
 * A label map of masks of one photo. Throws `E_BAD_OPTION` for an empty list, masks of different sizes, and more than
 * 65,535 masks.
 */
export function labelMap(masks: readonly Mask[], options: LabelMapOptions = {}): LabelMap {
  const { prefer = 'first' } = readOptions('labelMap', options, { prefer: true })
  if (prefer !== 'first' && prefer !== 'smallest')
    refuse('E_BAD_OPTION', `prefer: must be 'first' or 'smallest', found ${shown(prefer)}`)
  const most = 2 ** 16 - 1
  const isList: boolean = Array.isArray(masks) && masks.length >= 1 && masks.length <= most
  if (!isList) refuse('E_BAD_OPTION', `labelMap: must get from 1 to ${most} masks, found ${shown(masks)}`)
  const { width, height } = masks[0]
  const other = masks.find(mask => mask.width !== width || mask.height !== height)
  if (other)
    refuse(
      'E_BAD_OPTION',
      `labelMap: all masks must have one size, found ${width} × ${height} and ${other.width} × ${other.height}`
    )
  const order = masks.map((_, i) => i)
  if (prefer === 'smallest') order.sort((a, b) => masks[a].area - masks[b].area)
  const data = new Uint16Array(width * height)
  // The preferred masks are painted last.
  for (const i of order.reverse()) {
    const { runs } = masks[i]
    for (let k = 0; k < runs.length; k += 3)
      data.fill(i + 1, runs[k] * width + runs[k + 1], runs[k] * width + runs[k + 2])
  }
  return { width, height, data }
}
