/**
 * `npm run bench:webgpu -- [--model vit_b] [--rounds N] [--part kernels|model] [--emulated]`: each fused kernel against
 * its decomposition, and encode and click against onnxruntime's own WebGPU provider on our ONNX, interleaved in one
 * run, on the GPU that Dawn finds. Without a GPU it runs on SwiftShader, an emulation: the ratios are then not those of
 * a GPU, and the default model is tiny.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { configs, openWeights } from '@sam/core'
import { decodeMasks, encodeImage } from '@sam/core/model'
import {
  absorbProjections,
  f32,
  graph,
  memoryWeights,
  nameOf,
  paramsOf,
  sizeOf,
  tensor,
  type DeviceTensor,
  type Graph,
  type HostTensor,
  type WeightSource
} from '@sam/core/graph'
import { demandOf, schedules, webgpu, type WebGpuBackend } from '@sam/backend-webgpu'
import { hashFill, hashWeights } from '@sam/core/testing'
import { hashCheckpoint } from '../checkpoint.js'
import { emulatedGpu } from '../chromium/index.js'
import { interleaved, type Timing } from './interleaved.js'
import { emulatedSizes, kernelCases, sizesOf } from './webgpu-kernels.js'
import { openRival, type Rival } from './webgpu-runtime.js'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    part: { type: 'string' },
    emulated: { type: 'boolean' }
  }
})
const rounds = Number(values.rounds)

const backend =
  values.emulated && !process.env.VK_ICD_FILENAMES
    ? undefined
    : await webgpu().catch((error: Error) => {
        console.error(error.message)
      })
if (!backend) process.exit(emulated())
const name = values.model ?? (/swiftshader/i.test(backend.adapter) ? 'tiny-test' : 'vit_b')
const config = configs[name]
if (!config) throw new Error(`--model must be one of ${Object.keys(configs).join(', ')}, found ${name}`)
console.log(`adapter: ${backend.adapter}; ${rounds} interleaved rounds, the best of each\n`)

const ms = ({ best }: Timing): string => `${(best * 1e3).toFixed(2)} ms`
const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
const ratios = (a: Timing, b: Timing): [string, string] => [
  (a.best / b.best).toFixed(2),
  (a.median / b.median).toFixed(2)
]

const problems: string[] = []
if (values.part !== 'model') await kernels(backend)
if (values.part !== 'kernels') await model(backend)
for (const problem of problems) console.error(`\n*** ${problem} ***`)
backend.dispose()
process.exit(problems.length ? 1 : 0)

/** Runs this script again on the driver from npm: the loader's path must be set before a process starts. */
function emulated(): number {
  if (process.env.VK_ICD_FILENAMES) return 1
  console.error('No GPU found, or --emulated: running on SwiftShader, an emulation on the CPU.')
  const { status } = spawnSync(process.execPath, ['tools/run.js', ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, ...emulatedGpu() }
  })
  return status ?? 1
}

/** Each kernel against its decomposition to primitives. */
async function kernels(gpu: WebGpuBackend): Promise<void> {
  const sizes = values.model || !/swiftshader/i.test(gpu.adapter) ? sizesOf(config) : emulatedSizes
  console.log(
    `fused kernels, ${Object.entries(sizes)
      .map(([key, n]) => `${key} ${n}`)
      .join(', ')}`
  )
  const row = (...cells: string[]): void =>
    console.log(`  ${cells.map((c, i) => (i ? c.padStart(17) : c.padEnd(27))).join('')}`)
  row('', 'fused', 'GFLOP/s', 'decomposed', 'ratio of bests', 'ratio of medians')
  for (const { name, fused, decomposed } of kernelCases(sizes)) {
    const runs: CompiledRun[] = []
    try {
      for (const g of [fused, decomposed]) runs.push(await compileRun(gpu, g, weightsOf(fused)))
      const [kernel, parts] = await interleaved(
        rounds,
        runs.map(r => r.run)
      )
      const { flops } = demandOf(schedules(fused).run)
      row(name, ms(kernel), (flops / kernel.best / 1e9).toFixed(2), ms(parts), ...ratios(parts, kernel))
    } catch (error) {
      // A decomposition may need a matrix larger than any buffer.
      row(name, runs.length ? 'runs' : 'fails', '', (error as Error).message)
      if (!runs.length) problems.push(`${name}: ${(error as Error).message}`)
    } finally {
      for (const r of runs) r.close()
    }
  }
  console.log()
}

/** Encode and click of a model, ours and onnxruntime's, with copies from and to host memory. */
async function model(gpu: WebGpuBackend): Promise<void> {
  const weights = await openWeights(await hashCheckpoint(config))
  const folder = join('.cache/bench', config.name)
  for (const [title, g] of [
    ['encode', encodeImage(config)],
    ['click', absorbProjections(decodeMasks(config, { prompts: 1, points: 2 }), ['image_embedding'])]
  ] as const) {
    const feeds = feedsFor(g)
    const { flops, peakBytes, weightBytes } = demandOf(schedules(g).run)
    console.log(`${config.name}, ${title}: ${(flops / 1e9).toFixed(2)} GFLOP`)
    const executable = await gpu.compile(g, weights)
    const ours = async (): Promise<Record<string, Float32Array>> => readAll(await executable.run(feeds))
    let rival: Rival | undefined
    try {
      rival = await openRival(g, { weights, feeds, folder })
      await rival.run()
    } catch (error) {
      rival = undefined
      problems.push(
        `onnxruntime's WebGPU provider does not run this ${title} on this adapter: ${(error as Error).message}`
      )
    }
    const theirs = rival
    const [mine, other] = await interleaved(rounds, theirs ? [ours, () => theirs.run()] : [ours])
    const line = (who: string, t: Timing): void =>
      console.log(
        `  ${who.padEnd(26)}${ms(t).padStart(13)} best ${(t.median * 1e3).toFixed(1).padStart(9)} ms median ` +
          `${(flops / t.best / 1e9).toFixed(2).padStart(9)} GFLOP/s`
      )
    line('ours', mine)
    if (theirs) {
      line('onnxruntime WebGPU', other)
      console.log(
        `  onnxruntime / ours: ${ratios(other, mine)[0]} best, ${ratios(other, mine)[1]} median; ` +
          `${theirs.where}; outputs differ by ${await difference(ours, () => theirs.run())} of the largest`
      )
      await theirs.close()
    }
    console.log(
      `  GPU memory: ${mega(weightBytes)} weights, ${mega(peakBytes)} more at the peak of the schedule; ` +
        `${mega(gpu.memory().allocatedBytes)} held by the pool after the runs\n`
    )
    executable.dispose()
    gpu.trim()
  }
  await weights.close()
}

/** A compiled graph with its feeds. */
interface CompiledRun {
  /** Runs and waits for the device. */
  readonly run: () => Promise<void>
  close(): void
}

/** Compiles a graph and copies its feeds to the device. */
async function compileRun(gpu: WebGpuBackend, g: Graph, weights: WeightSource): Promise<CompiledRun> {
  const upload = await gpu.compile(
    graph('feeds', Object.fromEntries(g.inputs.map(v => [nameOf(v)!, v])), g.inputs),
    memoryWeights({})
  )
  const feeds = await upload.run(feedsFor(g))
  upload.dispose()
  const executable = await gpu.compile(g, weights).catch((error: unknown) => {
    release(feeds)
    throw error
  })
  return {
    async run() {
      release(await executable.run(feeds))
      await gpu.device.queue.onSubmittedWorkDone()
    },
    close() {
      release(feeds)
      executable.dispose()
    }
  }
}

function release(tensors: Readonly<Record<string, DeviceTensor>>): void {
  for (const t of Object.values(tensors)) t.dispose()
}

async function readAll(tensors: Readonly<Record<string, DeviceTensor>>): Promise<Record<string, Float32Array>> {
  const read = await Promise.all(
    Object.entries(tensors).map(async ([name, t]) => [name, (await t.read()).data as Float32Array] as const)
  )
  release(tensors)
  return Object.fromEntries(read)
}

function weightsOf(g: Graph): WeightSource {
  return hashWeights(
    paramsOf(g).map(p => ({ name: nameOf(p)!, shape: p.shape })),
    1
  )
}

/** Values between −1 and 1; labels and masks are 1. */
function feedsFor(g: Graph): Record<string, HostTensor> {
  return Object.fromEntries(
    g.inputs.map((v): [string, HostTensor] => {
      const name = nameOf(v)!
      const length = sizeOf(v.shape)
      if (v.dtype === 'i32') return [name, tensor('i32', v.shape, new Int32Array(length).fill(1))]
      return [
        name,
        f32(v.shape, name === 'token_mask' ? new Float32Array(length).fill(1) : hashFill({ name, shape: v.shape }, 1))
      ]
    })
  )
}

/** The largest difference over the largest value, of all outputs. */
async function difference(
  a: () => Promise<Record<string, Float32Array>>,
  b: () => Promise<Record<string, Float32Array>>
): Promise<string> {
  const [mine, other] = [await a(), await b()]
  const worst = Object.entries(mine).map(([name, data]) => {
    let [error, largest] = [0, 0]
    data.forEach((v, i) => {
      error = Math.max(error, Math.abs(v - other[name][i]))
      largest = Math.max(largest, Math.abs(v))
    })
    return error / largest
  })
  return Math.max(...worst).toExponential(1)
}
