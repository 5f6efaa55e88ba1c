import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameOf } from '../image/frame.js'
import type { RgbImage } from '../image/image.js'
import type { LargeImage } from '../image/large-image.js'
import type { Box } from '../masks/box.js'
import { Mask } from '../masks/mask.js'
import { gridInTile, tileBoxes } from './tile-layout.js'
import { tiledMasks, type TileEncoder, type TiledMaskOptions } from './tiles.js'

/** A picture with small objects, a long one and a large one; each is a colour, so that a tile shows what is in it. */
const objects: Box[] = [
  [30, 40, 90, 100],
  [200, 210, 260, 250],
  [140, 300, 190, 360],
  [60, 500, 1100, 560],
  [500, 100, 900, 440],
  [1000, 700, 1060, 780],
  [700, 640, 740, 700]
]
const [width, height] = [1200, 900]

const reads: string[] = []
const picture: LargeImage = {
  width,
  height,
  async read([x0, y0, x1, y1]): Promise<RgbImage> {
    reads.push(`${x1 - x0} × ${y1 - y0}`)
    const data = new Uint8Array((x1 - x0) * (y1 - y0) * 3)
    for (const [i, [left, top, right, bottom]] of objects.entries())
      for (let y = Math.max(top, y0); y < Math.min(bottom, y1); y++)
        for (let x = Math.max(left, x0); x < Math.min(right, x1); x++) data[((y - y0) * (x1 - x0) + x - x0) * 3] = i + 1
    return { width: x1 - x0, height: y1 - y0, data }
  }
}

/** A model that segments what has the colour of the clicked pixel, exactly. */
let open = 0
const model: TileEncoder = {
  async encode({ width, height, data }) {
    open++
    const frame = { ...frameOf({ width, height }, Math.max(width, height)), inputSize: [height, width] as const }
    const masks = new Map<number, Mask>()
    const maskOf = (colour: number): Mask => {
      const side = frame.imageSize
      const logit = (x: number, y: number): number =>
        x < width && y < height && colour && data[(y * width + x) * 3] === colour ? 9 : -9
      const lowResLogits = Float32Array.from({ length: side * side }, (_, i) => logit(i % side, Math.floor(i / side)))
      return new Mask({ lowResLogits, frame, predictedIou: colour ? 0.9 + colour / 100 : 0.1 })
    }
    return {
      width,
      height,
      predict: async prompts =>
        prompts.map(({ points: [{ x, y }] = [{ x: 0, y: 0 }] }) => {
          const colour = data[(Math.floor(y) * width + Math.floor(x)) * 3]
          if (!masks.has(colour)) masks.set(colour, maskOf(colour))
          return { masks: [masks.get(colour)!], tokenIndices: [1] }
        }),
      dispose: () => {
        open--
      }
    }
  }
}
const options: TiledMaskOptions = { tileSize: 320, tileOverlap: 128, pointsPerSide: 10 }
const boxes = (found: readonly { box: Box }[]): string[] => found.map(({ box }) => `${box}`).sort()

describe('tiledMasks', () => {
  it('finds small objects and joins large ones, each once', async () => {
    reads.length = 0
    const progress: number[] = []
    const found = await tiledMasks(model, picture, {
      ...options,
      onProgress: ({ done, total }) => progress.push(done / total)
    })
    expect(boxes(found)).toEqual(objects.map(String).sort())
    for (const { mask, area, box } of found) {
      expect([mask.width, mask.height, mask.area, mask.boxXyxy]).toEqual([width, height, area, box])
      expect(area).toBe((box[2] - box[0]) * (box[3] - box[1]))
      expect(mask.lowResLogits).toBeUndefined()
    }
    expect(found.map(({ mask }) => mask.predictedIou)).toEqual(
      found.map(({ mask }) => mask.predictedIou).sort((a, b) => b - a)
    )
    expect([open, progress.at(-1), new Set(reads)]).toEqual([0, 1, new Set(['320 × 320'])])
  })

  it('does not depend on where the picture is cut', async () => {
    for (const [tileSize, tileOffset] of [
      [320, [64, 0]],
      [320, [33, 101]],
      [400, [190, 150]]
    ] as const) {
      const found = await tiledMasks(model, picture, { ...options, tileSize, tileOffset })
      expect(boxes(found), `${tileSize} ${tileOffset}`).toEqual(objects.map(String).sort())
    }
  })

  it('drops what is cut off and has no other piece', async () => {
    const half: TileEncoder = {
      // Blind in every second tile.
      encode: async (tile, o) => {
        const view = await model.encode(tile, o)
        const blind = reads.length % 2 === 0
        return blind
          ? { ...view, predict: async prompts => prompts.map(() => ({ masks: [], tokenIndices: [] })) }
          : view
      }
    }
    reads.length = 0
    for (const { box } of await tiledMasks(half, picture, options)) expect(objects.map(String)).toContain(`${box}`)
  })

  it('rejects options of crops and bad layouts, and stops when aborted', async () => {
    for (const bad of [
      { cropNLayers: 1 },
      { tileSize: 10 },
      { tileOverlap: 513 },
      { tileOffset: [0, -1] },
      { tileOffset: 3 },
      { pointsPerSide: 0 }
    ])
      await expect(tiledMasks(model, picture, bad as TiledMaskOptions), JSON.stringify(bad)).rejects.toMatchObject({
        code: 'E_BAD_OPTION'
      })
    const controller = new AbortController()
    const started = tiledMasks(
      model,
      {
        ...picture,
        read: async (box, { signal }) => (
          controller.abort(new Error('stop')),
          signal!.throwIfAborted(),
          picture.read(box, {})
        )
      },
      { ...options, signal: controller.signal }
    )
    await expect(started).rejects.toThrow('stop')
    expect(open).toBe(0)
  })
})

it('tileBoxes: covers the picture with tiles of one size that overlap enough', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 900 }),
      fc.integer({ min: 1, max: 900 }),
      fc.nat(127),
      fc.nat(127),
      (width, height, x, y) => {
        const tiles = tileBoxes({ width, height }, { size: 256, overlap: 128, offset: [x, y] })
        for (const [x0, y0, x1, y1] of tiles) {
          expect([x1 - x0, y1 - y0]).toEqual([Math.min(256, width), Math.min(256, height)])
          expect(x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height).toBe(true)
        }
        const columns = [...new Set(tiles.map(([x0]) => x0))].sort((a, b) => a - b)
        expect([columns[0], columns.at(-1)]).toEqual([0, Math.max(0, width - 256)])
        for (let i = 1; i < columns.length; i++) expect(columns[i] - columns[i - 1]).toBeLessThanOrEqual(128)
      }
    )
  ))

it('gridInTile: has the same places of the picture in every tile', () => {
  const places = (tile: Box): string[] =>
    gridInTile(tile, 10).map(
      ([x, y]) => `${Math.round(tile[0] + x * (tile[2] - tile[0]))},${Math.round(tile[1] + y * (tile[3] - tile[1]))}`
    )
  expect(places([0, 0, 20, 20])).toEqual(['5,5', '15,5', '5,15', '15,15'])
  expect(places([3, 7, 23, 27])).toEqual(['5,15', '15,15', '5,25', '15,25'])
})
