import type { Composite, Value } from '../../ir/value.js'
import { broadcastTo, compose, concat, fill, reshape, slice, transpose } from '../build.js'

export const windowPartitionComposite: Composite = {
  name: 'windowPartition',
  decompose([x, border], { window }) {
    const w = window as number
    const [b, , , c] = x.shape as [number, number, number, number]
    const padded = grow(grow(x, 1, { window: w, border }), 2, { window: w, border })
    const [nh, nw] = [padded.shape[1] / w, padded.shape[2] / w]
    const tiles = transpose(reshape(padded, [b, nh, w, nw, w, c]), [0, 1, 3, 2, 4, 5])
    return reshape(tiles, [b * nh * nw, w, w, c])
  }
}

export const windowUnpartitionComposite: Composite = {
  name: 'windowUnpartition',
  decompose([windows], { height, width }) {
    const [h, w] = [height as number, width as number]
    const [n, side, , c] = windows.shape as [number, number, number, number]
    const [nh, nw] = [Math.ceil(h / side), Math.ceil(w / side)]
    const tiles = transpose(reshape(windows, [n / (nh * nw), nh, nw, side, side, c]), [0, 1, 3, 2, 4, 5])
    const padded = reshape(tiles, [-1, nh * side, nw * side, c])
    return slice(slice(padded, 1, { start: 0, size: h }), 2, { start: 0, size: w })
  }
}

/**
 * [B,H,W,C] → [B·windows, window, window, C], row by row. The grid is padded right and bottom to full windows with
 * `border` [C], or zeros. Meta: image_encoder.py#window_partition.
 */
export const windowPartition = (x: Value, window: number, border?: Value): Value =>
  compose(windowPartitionComposite, border ? [x, border] : [x], { window })

/** The inverse: windows back to [B,height,width,C], padding dropped. Meta: image_encoder.py#window_unpartition. */
export const windowUnpartition = (windows: Value, [height, width]: readonly [number, number]): Value =>
  compose(windowUnpartitionComposite, [windows], { height, width })

function grow(x: Value, axis: number, { window, border }: { window: number; border: Value | undefined }): Value {
  const missing = (window - (x.shape[axis] % window)) % window
  if (missing === 0) return x
  const shape = x.shape.map((d, i) => (i === axis ? missing : d))
  return concat([x, border ? broadcastTo(border, shape) : fill(shape, 0)], axis)
}
