/**
 * `npm run verify:memory -- [--quick]`: resident memory while the SDK is used as long-running programs use it, on the
 * CPU: predictions on one image, images that nobody disposes of, and models that are loaded and disposed of. Each case
 * runs in a process of its own, with the tiny model and with MobileSAM. Prints ten points of each curve and fails where
 * the second half lies more than {@link allowed} above the first.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { cpu } from '@sam/backend-cpu'
import { loadSam, type WeightsLike } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import { tinyModel } from '@sam/model-tiny'

/** Growth from the median of points 4 and 5 to that of 9 and 10 that is not a leak: 5 percent, at least 24 MB. */
const allowed = (before: number): number => Math.max(24, 0.05 * before)

const points = 10
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false } }
})
const model = positionals[1] as 'tiny' | 'mobile_sam'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const open = async (): Promise<{ weights: WeightsLike; close: () => Promise<void> }> => {
  if (model === 'tiny') return { weights: tinyModel().weights, close: async () => {} }
  const { weights } = await mobileModel()
  return { weights, close: () => weights.close() }
}
const photo = {
  width: 640,
  height: 480,
  data: Uint8Array.from({ length: 640 * 480 * 3 }, (_, i) => (i * 7919) >> (i % 5))
}

/** What is done over and over; each returns one step, which is called many times. */
const cases = {
  async predicts() {
    const { weights } = await open()
    const sam = await loadSam({ weights, backend: await cpu() })
    const image = await sam.encode(photo)
    return async (i: number) => {
      await image.predict({ points: [{ x: (i * 37) % 640, y: (i * 53) % 480 }] })
    }
  },
  async images() {
    const { weights } = await open()
    const sam = await loadSam({ weights, backend: await cpu() })
    return async (i: number) => {
      const image = await sam.encode(photo) // not disposed of
      if (i % 4 === 0) await image.predict({ points: [{ x: 320, y: 240 }] })
    }
  },
  async loads() {
    const backend = await cpu()
    return async () => {
      const { weights, close } = await open()
      const sam = await loadSam({ weights, backend })
      const image = await sam.encode(photo)
      image.dispose()
      await sam.dispose()
      await close()
    }
  }
} as const

type Case = keyof typeof cases
const steps: Record<'tiny' | 'mobile_sam', Record<Case, number>> = {
  tiny: { predicts: 2000, images: 200, loads: 50 },
  mobile_sam: { predicts: 200, images: 40, loads: 10 }
}

/** Resident megabytes, after garbage was collected. */
async function resident(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    gc()
    await new Promise(resume => setTimeout(resume, 20))
  }
  return Math.round(process.memoryUsage.rss() / 1e6)
}

if (positionals.length) {
  const name = positionals[0] as Case
  const count = Number(positionals[2])
  const step = await cases[name]()
  const curve: number[] = []
  for (let i = 0; i < count; i++) {
    await step(i)
    if ((i + 1) % (count / points) === 0) curve.push(await resident())
  }
  console.log(JSON.stringify(curve))
  process.exit(0)
}

let failed = 0
for (const name of ['tiny', 'mobile_sam'] as const) {
  for (const [what, full] of Object.entries(steps[name])) {
    const count = values.quick ? Math.max(points, Math.round(full / 100) * 10) : full
    const { stdout, status } = spawnSync(
      process.execPath,
      ['tools/run.js', 'tools/verify/memory.ts', what, name, String(count)],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit']
      }
    )
    if (status !== 0) {
      console.log(`${name}, ${count} ${what}: the process ended with ${status}`)
      failed++
      continue
    }
    const curve = JSON.parse(stdout) as number[]
    const middle = (curve[3] + curve[4]) / 2
    const growth = (curve[8] + curve[9]) / 2 - middle
    const holds = growth <= allowed(middle)
    if (!holds) failed++
    console.log(`${name}, ${count} ${what}: ${curve.join(' ')} MB; growth ${growth} MB, ${holds ? 'ok' : 'TOO MUCH'}`)
  }
}
process.exit(failed ? 1 : 0)
