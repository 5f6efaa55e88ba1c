/**
 * `npm run verify:tiles -- [--side 20000] [--tile-size 4096] [--points-per-side 4]`: automatic masks of a picture that
 * need not fit into memory, by MobileSAM on the CPU. The picture is a tiled TIFF, filled with copies of the photos of
 * apps/cli/assets. Prints tiles, masks, seconds and memory. Fails if a sixteenth of the picture has no mask, or if
 * memory grows with the picture: by more than {@link allowed} after the first two rows of tiles. Linux only.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpu } from '@sam/backend-cpu'
import { loadSam, openLargeImage, tiledMasks } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import sharp from 'sharp'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    side: { type: 'string', default: '20000' },
    'tile-size': { type: 'string', default: '4096' },
    'points-per-side': { type: 'string', default: '4' }
  }
})
const [side, tileSize, pointsPerSide] = [values.side, values['tile-size'], values['points-per-side']].map(Number)

/** Growth in MB after the first two rows of tiles: an eighth of what the pixels take; no less than noise. */
const allowed = Math.max(64, (side * side * 3) / 8e6)

// A process of its own writes the picture, so that its memory is not counted.
if (positionals.length) {
  await writePicture(positionals[0])
  process.exit(0)
}

const folder = mkdtempSync(join(tmpdir(), 'sam-tiles-'))
let failed = false
try {
  const file = join(folder, 'picture.tif')
  const args = ['tools/run.js', 'tools/verify/tiles.ts', file, '--side', String(side)]
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`the process that writes the picture ended with ${status}`)
  const picture = await openLargeImage(file)
  console.log(`${picture.width} × ${picture.height}, ${megabytes(statSync(file).size)} MB as a file`)

  const { weights } = await mobileModel()
  const sam = await loadSam({ weights, backend: await cpu() })
  writeFileSync('/proc/self/clear_refs', '5') // resets the peak
  const [before, started, processor] = [memory('VmRSS'), performance.now(), process.cpuUsage()]
  let tiles = 0
  let early: number | undefined
  let tenths = 0
  const counted = {
    encode: (...args: Parameters<typeof sam.encode>) => {
      tiles++
      return sam.encode(...args)
    }
  }
  const found = await tiledMasks(counted, picture, {
    tileSize,
    tileOverlap: 256,
    pointsPerSide,
    pointsPerBatch: 16,
    onProgress: ({ done, total }) => {
      if (done / total > 2 * (tileSize / side)) early ??= memory('VmHWM')
      if (Math.floor((10 * done) / total) > tenths) console.log(`${++tenths * 10}%, ${tiles} tiles`)
    }
  })
  const seconds = (performance.now() - started) / 1e3
  const { user, system } = process.cpuUsage(processor)
  const peak = memory('VmHWM')
  const sixteenths = new Set(
    found.map(({ box: [x0, y0, x1, y1] }) => [(x0 + x1) / 2, (y0 + y1) / 2].map(c => Math.floor((4 * c) / side)).join())
  )
  const growth = peak - (early ?? before)
  console.log(`${tiles} tiles, ${found.length} masks, in ${sixteenths.size} of 16 parts of the picture`)
  console.log(`${seconds.toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} s of processor time`)
  console.log(
    `memory: ${before} MB with the model, peak ${peak} MB, ${growth} MB of it after the first two rows of tiles (limit ${allowed.toFixed(0)})`
  )
  failed = sixteenths.size < 16 || growth > allowed
} finally {
  rmSync(folder, { recursive: true })
}
console.log(failed ? 'FAILED' : 'ok')
process.exit(failed ? 1 : 0)

function memory(name: 'VmRSS' | 'VmHWM'): number {
  return megabytes(
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1])
  )
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}

/** Three photos below each other, over and over. */
async function writePicture(file: string): Promise<void> {
  const [width, height] = [1200, 800]
  const photos = await Promise.all(
    ['coffee', 'cat', 'scene'].map(async (name, i) => ({
      input: await sharp(`apps/cli/assets/${name}.jpg`).resize(width, height).toBuffer(),
      left: 0,
      top: i * height
    }))
  )
  const block = await sharp({ create: { width, height: 3 * height, channels: 3, background: 'black' } })
    .composite(photos)
    .png()
    .toBuffer()
  await sharp({ create: { width: side, height: side, channels: 3, background: 'black' }, limitInputPixels: false })
    .composite([{ input: block, tile: true, gravity: 'northwest' }])
    .tiff({ tile: true, tileWidth: 256, tileHeight: 256, compression: 'jpeg', quality: 90 })
    .toFile(file)
}
