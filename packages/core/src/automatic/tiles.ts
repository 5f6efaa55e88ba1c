import { refuse, shown } from '../errors.js'
import type { RgbImage } from '../image/image.js'
import type { LargeImage } from '../image/large-image.js'
import type { Promptable } from '../prompts/promptable.js'
import { readOptions } from '../options.js'
import { cutSides } from './crops.js'
import { masksOfCrop, type AutomaticMask } from './generator.js'
import { joinPieces } from './join-pieces.js'
import { boxNms } from './nms.js'
import { automaticMaskNames, checkAutomaticMaskOptions, type AutomaticMaskOptions } from './options.js'
import { gridInTile, tileBoxes, type TileLayout } from './tile-layout.js'

/**
 * Options of {@link tiledMasks}: those of automatic masks without crops, and how the image is cut. `pointsPerSide`
 * counts the points of a tile.
 */
export interface TiledMaskOptions extends Omit<
  AutomaticMaskOptions,
  | 'pointGrids'
  | 'cropNLayers'
  | 'cropNmsThresh'
  | 'cropOverlapRatio'
  | 'cropNPointsDownscaleFactor'
  | 'minMaskRegionArea'
  | 'overlap'
  | 'keepLogits'
> {
  /** Side of a tile, in pixels. Default 1024. */
  readonly tileSize?: number | undefined
  /**
   * What neighbouring tiles share, in pixels. Default 256. An object smaller than this by 40 pixels is whole in one of
   * the tiles; a larger one can be joined from its pieces.
   */
  readonly tileOverlap?: number | undefined
  /** Moves the grid of tiles to the left and up by these pixels. Default [0, 0]. */
  readonly tileOffset?: readonly [x: number, y: number] | undefined
}

/** What encodes the tiles: a `Sam`. */
export interface TileEncoder {
  encode(tile: RgbImage, options: { signal?: AbortSignal | undefined }): Promise<Promptable & { dispose(): void }>
}

/**
 * Automatic masks of an image of any size, best first: each tile is encoded by itself. Masks that are whole in a tile
 * are kept as they are. Masks that tiles cut off are joined if they agree where both tiles see the object; what is
 * still cut off then is dropped. Duplicates are suppressed by their boxes. Only one tile and the outlines of the masks
 * are in memory.
 *
 * Throws `E_BAD_OPTION`, and what reading and encoding throw.
 */
export async function tiledMasks(
  encoder: TileEncoder,
  image: LargeImage,
  given: TiledMaskOptions = {}
): Promise<AutomaticMask[]> {
  const { layout, automatic } = checkTiledMaskOptions(given)
  const { pointsPerSide = 32, boxNmsThresh = 0.7, signal, onProgress } = automatic
  const photo = { width: image.width, height: image.height }
  const tiles = tileBoxes(photo, layout)
  const grids = tiles.map(tile => gridInTile(tile, layout.size / pointsPerSide))
  const total = grids.reduce((n, grid) => n + grid.length, 0)
  let done = 0

  const [whole, pieces]: [AutomaticMask[], AutomaticMask[]] = [[], []]
  for (const [i, crop] of tiles.entries()) {
    const view = await encoder.encode(await image.read(crop, { signal }), { signal })
    try {
      let found: readonly AutomaticMask[] = []
      for await (const { masks, points } of masksOfCrop(view, {
        ...automatic,
        ...tileRules,
        photo,
        crop,
        grid: grids[i]
      })) {
        found = masks
        onProgress?.({ done: (done += points), total })
      }
      for (const item of found) (cutSides(item.box, crop, photo).length ? pieces : whole).push(item)
    } finally {
      view.dispose()
    }
  }
  return boxNms([...whole, ...joinPieces(pieces, photo)], item => item.mask.predictedIou, boxNmsThresh)
}

const tileRules = { keepLogits: false, keepCutOff: true }

/** The options as a copy. Throws `InputError` `E_BAD_OPTION` naming the option. */
function checkTiledMaskOptions(given: TiledMaskOptions): { layout: TileLayout; automatic: AutomaticMaskOptions } {
  const {
    tileSize = 1024,
    tileOverlap = 256,
    tileOffset = [0, 0],
    ...automatic
  } = readOptions('tiledMasks', given, {
    ...onlyWhole(automaticMaskNames),
    tileSize: true,
    tileOverlap: true,
    tileOffset: true
  })
  const must = (holds: boolean, name: keyof TiledMaskOptions, rule: string): void => {
    if (!holds) refuse('E_BAD_OPTION', `${name}: must be ${rule}, found ${shown(given[name])}`)
  }
  const isWhole = (n: unknown, least: number, most: number): boolean =>
    Number.isInteger(n) && (n as number) >= least && (n as number) <= most
  must(isWhole(tileSize, 64, 8192), 'tileSize', 'a whole number from 64 to 8192')
  must(
    isWhole(tileOverlap, 0, tileSize / 2),
    'tileOverlap',
    `a whole number from 0 to half of tileSize, ${tileSize / 2}`
  )
  const last = tileSize - tileOverlap - 1
  const isPair: boolean = Array.isArray(tileOffset) && tileOffset.length === 2
  must(isPair && tileOffset.every(n => isWhole(n, 0, last)), 'tileOffset', `two whole numbers from 0 to ${last}`)
  const [x, y] = tileOffset
  return {
    layout: { size: tileSize, overlap: tileOverlap, offset: [x, y] },
    automatic: checkAutomaticMaskOptions(automatic)
  }
}

/** The names of options that do not concern crops, or a whole image at once. */
function onlyWhole({
  pointGrids: _grids,
  cropNLayers: _layers,
  cropNmsThresh: _thresh,
  cropOverlapRatio: _ratio,
  cropNPointsDownscaleFactor: _factor,
  minMaskRegionArea: _area,
  overlap: _overlap,
  keepLogits: _logits,
  ...names
}: typeof automaticMaskNames) {
  return names
}
