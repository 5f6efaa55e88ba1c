/**
 * `npm run verify -- [vit_b vit_l vit_h mobile_sam mobile_amg] [--reference DIR] [--backend cpu|cuda|webgpu]
 * [--decompose]`: compares the published models, and MobileSAM's automatic masks (`mobile_amg`), with results of the
 * public PyTorch code. Not part of `npm test`: it writes checkpoints of up to 2.5 GB into .cache/verify, and takes
 * minutes. WebGPU runs on an emulated GPU, or with SAM_VULKAN=system on the machine's own.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { emulatedGpu } from '../chromium/index.js'

const {
  positionals,
  values: { reference, backend, decompose }
} = parseArgs({
  allowPositionals: true,
  options: {
    reference: { type: 'string', default: '../shared/reference' },
    backend: { type: 'string', default: 'cpu' },
    decompose: { type: 'boolean', default: false }
  }
})
if (!existsSync(`${reference}/vit_b-io.safetensors`)) {
  process.stderr.write(
    `verify: ${reference} must hold vit_{b,l,h}-io.safetensors and photos/; name the folder with --reference\n`
  )
  process.exit(2)
}

interface Result {
  name: string
  bytes: number
  embedding: number
  logits: number
  iou: number
  area: number
  maskIou: number
  peak: number
  loadSeconds: number
  encodeSeconds: number
  firstMaskSeconds: number
}

/** Automatic masks of one setting. */
interface AutomaticResult {
  name: string
  missing: number
  surplus: number
  maskIou: number
  iou: number
  stability: number
  seconds: number
}

/** A limit of acceptance on a value of a result. */
interface Limit<R> {
  readonly key: keyof R
  readonly what: string
  readonly holds: (value: number) => boolean
  readonly limit: string
}

const limits: readonly Limit<Result>[] = [
  { key: 'embedding', what: 'embedding, max abs error', holds: v => v <= 1e-3, limit: '≤ 1e-3' },
  { key: 'logits', what: 'mask logits, error / largest', holds: v => v <= 2e-3, limit: '≤ 2e-3' },
  { key: 'iou', what: 'IoU predictions, max abs error', holds: v => v <= 1e-3, limit: '≤ 1e-3' },
  { key: 'maskIou', what: 'binary masks, lowest IoU', holds: v => v > 0.999, limit: '> 0.999' },
  { key: 'area', what: 'mask area, relative error', holds: v => v < 1e-3, limit: '< 1e-3' }
]

const environment = {
  ...process.env,
  ...(backend === 'webgpu' && process.env.SAM_VULKAN !== 'system' && emulatedGpu())
}
const automaticLimits: readonly Limit<AutomaticResult>[] = [
  { key: 'missing', what: 'masks only of the reference', holds: v => v === 0, limit: '0' },
  { key: 'surplus', what: 'masks only of ours', holds: v => v === 0, limit: '0' },
  { key: 'maskIou', what: 'paired masks, lowest IoU', holds: v => v > 0.99, limit: '> 0.99' },
  { key: 'iou', what: 'IoU predictions, max abs error', holds: v => v <= 1e-2, limit: '≤ 1e-2' },
  { key: 'stability', what: 'stability, max abs error', holds: v => v <= 1e-2, limit: '≤ 1e-2' }
]

let failed = 0
for (const name of positionals.length ? positionals : ['vit_b', 'vit_l', 'vit_h', 'mobile_sam', 'mobile_amg']) {
  const automatic = name === 'mobile_amg'
  const script = automatic ? ['tools/verify/automatic.ts'] : ['tools/verify/model.ts', name]
  const flags = ['--reference', reference, '--backend', backend, ...(decompose ? ['--decompose'] : [])]
  const { stdout, status } = spawnSync(process.execPath, ['tools/run.js', ...script, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    env: environment,
    maxBuffer: 1 << 26
  })
  if (status !== 0) {
    failed++
    console.log(`${name}: failed with exit code ${status}`)
    continue
  }
  const lines = stdout.trim().split('\n')
  if (automatic) {
    for (const result of lines.map(line => JSON.parse(line) as AutomaticResult)) {
      console.log(`${name}, ${result.name}, ${backend}: ${result.seconds.toFixed(1)} s`)
      check(result, automaticLimits)
    }
    continue
  }
  const result = JSON.parse(lines.at(-1)!) as Result
  const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
  console.log(
    `${name}, ${backend}: checkpoint ${gb(result.bytes)}, load ${result.loadSeconds.toFixed(1)} s, encode ` +
      `${result.encodeSeconds.toFixed(1)} s, ` +
      `first mask ${result.firstMaskSeconds.toFixed(1)} s after start, peak memory ${gb(result.peak)}`
  )
  check(result, limits)
}
process.exit(failed ? 1 : 0)

/** Prints each value beside its limit, and counts the failures. */
function check<R>(result: R, limits: readonly Limit<R>[]): void {
  for (const { key, what, holds, limit } of limits) {
    const value = result[key] as number
    if (!holds(value)) failed++
    const text = key === 'maskIou' ? value.toFixed(5) : Number.isInteger(value) ? String(value) : value.toExponential(2)
    console.log(`  ${holds(value) ? '✓' : '✗'} ${what.padEnd(32)} ${text}  (${limit})`)
  }
}
