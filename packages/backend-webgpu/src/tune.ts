import type { Device } from './device.js'
import { checked, dispatch } from './dispatch.js'
import { contraction, strided } from './kernels/contraction.js'
import type { Program } from './kernels/program.js'
import { largeTiles, tiles, type Tile } from './kernels/tile.js'
import { allocate, flush, free } from './memory.js'

/** Milliseconds for 6 Mflop above which a device is emulated or busy, and measurements are meaningless. */
const patience = 4

/** The program of an f32 product. */
const product = ({ rows, columns, depth }: { rows: number; columns: number; depth: number }, tile: Tile): Program => {
  const operand = { batch: 0, row: depth, k: 1, offset: 0, depth }
  return contraction({
    name: 'tuning',
    batch: 1,
    rows,
    columns,
    depth,
    a: strided('a', operand),
    b: strided('b', operand),
    tile,
    epilogue: {}
  })
}

export interface TuneOptions {
  /** Sizes of the measured product. */
  readonly size?: { readonly rows: number; readonly columns: number; readonly depth: number }
  /** A clock in milliseconds. */
  readonly now?: () => number
}

/**
 * The fastest tile on this device: each candidate on one layer of ViT-B with 1024 tokens, interleaved, the minimum of
 * three. Takes tens of milliseconds on a GPU; an emulated one is not measured and uses the first candidate.
 */
export async function fastestTile(
  device: Device,
  { size = { rows: 1024, columns: 768, depth: 768 }, now = () => performance.now() }: TuneOptions = {}
): Promise<Tile> {
  const fitting = largeTiles.filter(
    t =>
      product(size, t).shared! <= device.limits.sharedBytes &&
      t.threads[0] * t.threads[1] <= device.gpu.limits.maxComputeInvocationsPerWorkgroup
  )
  const infos = [size.rows * size.depth, size.columns * size.depth, size.rows * size.columns].map(n =>
    allocate(device, n, 'f32')
  )
  const [a, b, result] = infos
  const time = async (program: Program): Promise<number> => {
    const start = now()
    await checked(device, 'measuring', () => {
      dispatch(device, program, { inputs: [a, b], result })
      flush(device)
    })
    await device.alive(device.gpu.queue.onSubmittedWorkDone())
    return now() - start
  }
  try {
    const probe = product({ rows: 64, columns: 64, depth: size.depth }, tiles.medium)
    await time(probe)
    if ((await time(probe)) > patience) return fitting[0]
    const best = fitting.map(() => Infinity)
    // The first round includes compilation and is not counted.
    for (let round = 0; round < 4; round++) {
      for (const [i, tile] of fitting.entries()) {
        const took = await time(product(size, tile))
        if (round > 0) best[i] = Math.min(best[i], took)
      }
    }
    return fitting[best.indexOf(Math.min(...best))]
  } finally {
    if (device.lost() === undefined) for (const info of infos) free(device, info)
  }
}
