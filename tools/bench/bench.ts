/**
 * `npm run bench -- [--rounds N] [--model vit_b] [--part encoder|decoder|memory] [--torch PYTHON]`: ratios of speeds,
 * each measured interleaved in one run, and peak memory. Run it on an idle machine; the printed spread shows other
 * load.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { configs, loadSam, openWeights } from '@sam/core'
import { encodeImage, isVit, modelCost } from '@sam/core/model'
import { constant, f32, graph, input, memoryWeights, ops } from '@sam/core/graph'
import { hashFill } from '@sam/core/testing'
import { cpu } from '@sam/backend-cpu'
import { toOnnx } from '@sam/onnx'
import ort from 'onnxruntime-node'
import { hashCheckpoint } from '../checkpoint.js'
import { interleaved, type Timing } from './interleaved.js'

const {
  values: { rounds, model, torch, part }
} = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    model: { type: 'string', default: 'vit_b' },
    part: { type: 'string' },
    torch: { type: 'string' }
  }
})
const config = configs[model]
if (!config || !isVit(config.imageEncoder))
  throw new Error(`--model must be one of ${Object.keys(configs).join(', ')}, found ${model}`)
const { width } = config.imageEncoder
const n = Number(rounds)
const cost = modelCost(config)
const checkpoint = await hashCheckpoint(config)
const failures: string[] = []

function report(what: string, ratio: number, goal: { atLeast?: number; atMost?: number }): void {
  const met =
    (goal.atLeast === undefined || ratio >= goal.atLeast) && (goal.atMost === undefined || ratio <= goal.atMost)
  if (!met) failures.push(what)
  console.log(
    `${met ? '✓' : '✗'} ${what}: ${ratio.toFixed(2)}  (goal ${goal.atLeast === undefined ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`})`
  )
}
const seconds = ({ best, median, worst }: Timing): string =>
  `${best.toFixed(3)} s best, ${median.toFixed(3)} median, ${worst.toFixed(3)} worst`

const backend = await cpu()
const linears = await Promise.all(
  [
    [width, 3 * width],
    [width, width],
    [width, 4 * width],
    [4 * width, width]
  ].map(([a, b]) => gemm(a, b))
)
const linearFlops = linears.reduce((sum, g) => sum + g.flops, 0)

const parts: Record<string, () => Promise<void>> = { encoder, decoder, memory }
for (const [name, run] of Object.entries(parts)) if (part === undefined || part === name) await run()
backend.dispose()
if (failures.length) console.log(`not met: ${failures.join('; ')}`)
process.exit(failures.length ? 1 : 0)

/**
 * The image encoder against the machine's own GEMM rate on the same linear shapes, and against itself with every
 * composite decomposed.
 */
async function encoder(): Promise<void> {
  const decomposing = await cpu({ decompose: 'all', memory: 'fast' })
  const weights = await openWeights(checkpoint)
  const image = f32(
    [1, 3, config.imageSize, config.imageSize],
    hashFill({ name: 'image', shape: [3 * config.imageSize ** 2] }, 1).map(v => v * 15)
  )
  const encoders = await Promise.all([backend, decomposing].map(b => b.compile(encodeImage(config), weights)))
  const encode = (i: number) => async (): Promise<void> => {
    const { image_embedding } = await encoders[i].run({ image })
    image_embedding.dispose()
  }
  console.log(`${model}, image encoder, ${n} interleaved rounds`)
  const timings = await interleaved(n, [encode(0), encode(1), ...linears.map(g => g.run)])
  const [fused, decomposed] = timings
  const products = timings
    .slice(2)
    .reduce((a, b) => ({ best: a.best + b.best, median: a.median + b.median, worst: a.worst + b.worst }))
  const rate = linearFlops / products.best
  const limit = cost.imageEncoder.flops / rate
  console.log(`  onnxruntime MatMul on its linear shapes  ${(rate / 1e9).toFixed(0)} GFLOP/s (${seconds(products)})`)
  console.log(`  encode, composites fused                 ${seconds(fused)}`)
  console.log(`  encode, composites decomposed            ${seconds(decomposed)}`)
  report('encode: FLOPs / GEMM rate over time, best of each', limit / fused.best, { atLeast: 0.75 })
  console.log(`  the same by medians: ${((limit * products.median) / products.best / fused.median).toFixed(2)}`)
  console.log(
    `  decomposed / fused: ${(decomposed.median / fused.median).toFixed(2)} (medians), ` +
      `${(decomposed.best / fused.best).toFixed(2)} (best)`
  )
  for (const e of encoders) e.dispose()
  decomposing.dispose()
}

/** One click against its own FLOP limit and against PyTorch; 64 prompts in one decode against one by one. */
async function decoder(): Promise<void> {
  const sam = await loadSam({ weights: checkpoint, backend, parts: 'all' })
  const photo = await sam.encode({ width: 1024, height: 683, data: new Uint8Array(1024 * 683 * 3).fill(120) })
  const click = { points: [{ x: 500, y: 300 }] }
  const clicks = Array.from({ length: 64 }, (_, i) => ({ points: [{ x: 10 + 15 * i, y: 10 + 10 * i }] }))
  console.log('mask decoder')
  const [gemms, one] = await interleaved(30, [
    async () => {
      await linears[1].run()
    },
    () => photo.predict(click)
  ])
  const clickFlops = cost.maskDecoder.flops - cost.perImage
  const clickLimit = clickFlops / (linears[1].flops / gemms.best)
  console.log(
    `  one click: ${(clickFlops / 1e9).toFixed(2)} GFLOP, limit ${(clickLimit * 1e3).toFixed(1)} ms; ` +
      `${(one.best * 1e3).toFixed(1)} ms best, ${(one.median * 1e3).toFixed(1)} median`
  )
  report('click: time over its FLOP limit, medians', one.median / ((clickLimit * gemms.median) / gemms.best), {
    atMost: 2.5
  })
  const [single, together] = await interleaved(3, [
    async () => {
      for (const prompt of clicks) await photo.predict(prompt)
    },
    () => photo.predict(clicks)
  ])
  console.log(`  64 prompts one by one ${seconds(single)}; in one decode ${seconds(together)}`)
  console.log(`  one by one / together: ${(single.median / together.median).toFixed(2)}`)
  if (torch) await againstTorch(torch, () => photo.predict(click))
  photo.dispose()
  await sam.dispose()
}

/**
 * Our click and PyTorch's, interleaved, on equally many threads, each after a pause in which the other's threads sleep.
 */
async function againstTorch(python: string, click: () => Promise<unknown>): Promise<void> {
  const threads = availableParallelism()
  const child = spawn(python, ['tools/bench/torch_decoder.py', String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const torchClick = async (): Promise<void> => {
    child.stdin.write('\n')
    if ((await answers.next()).done)
      throw new Error(`${python} tools/bench/torch_decoder.py must answer every line with a line; its stderr is above`)
  }
  try {
    const [ours, theirs] = await interleaved(40, [click, torchClick], { pause: 30 })
    console.log(
      `  prompt encoder and mask decoder to low-resolution logits, interleaved, ${threads} threads each, ` +
        'PyTorch in inference mode:'
    )
    const milliseconds = ({ best, median, worst }: Timing): string =>
      [best, median, worst].map(t => (t * 1e3).toFixed(1)).join(' · ')
    console.log(
      `  best · median · worst, ms: ours ${milliseconds(ours)}; PyTorch ${milliseconds(theirs)}; PyTorch over ` +
        `ours, best: ${(theirs.best / ours.best).toFixed(2)}`
    )
    report('click: PyTorch over ours, medians', theirs.median / ours.median, { atLeast: 3 })
  } finally {
    child.stdin.end()
    if (child.exitCode === null) await once(child, 'exit')
  }
}

/** Peak memory and time to the first mask, each in a process of its own. */
async function memory(): Promise<void> {
  for (const [name, gigabytes] of [
    ['vit_b', 1.3],
    ['vit_h', 5]
  ] as const) {
    const { stdout, status } = spawnSync(
      process.execPath,
      ['tools/bench/memory.js', await hashCheckpoint(configs[name])],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }
    )
    if (status !== 0) {
      failures.push(name)
      continue
    }
    const { encodePeak, peak, firstMask } = JSON.parse(stdout) as {
      encodePeak: number
      peak: number
      firstMask: number
    }
    console.log(
      `${name}: first mask ${firstMask.toFixed(1)} s after the start of the load, peak memory with it ` +
        `${(peak / 1e9).toFixed(2)} GB`
    )
    report(`${name}: peak memory of an encode, GB`, encodePeak / 1e9, { atMost: gigabytes })
  }
}

/** A bare MatMul in onnxruntime, 4096 tokens: with preallocated inputs and outputs, without copies. */
async function gemm(rows: number, columns: number): Promise<{ flops: number; run: () => Promise<void> }> {
  const tokens = 4096
  const w = f32([rows, columns], hashFill({ name: 'w', shape: [rows * columns] }, 1))
  const g = graph('gemm', { y: ops.matmul(input('x', [tokens, rows]), constant(w)) })
  const { model, inputs, outputs } = await toOnnx(g, { weights: memoryWeights({}) })
  const session = await ort.InferenceSession.create(model, {
    logSeverityLevel: 4,
    intraOpNumThreads: availableParallelism(),
    // Spinning threads would take the cores from the next measurement.
    extra: { session: { intra_op: { allow_spinning: '0' } } }
  })
  const feeds = {
    [inputs.x]: new ort.Tensor('float32', hashFill({ name: 'x', shape: [tokens * rows] }, 1), [tokens, rows])
  }
  const fetches = { [outputs.y]: new ort.Tensor('float32', new Float32Array(tokens * columns), [tokens, columns]) }
  return {
    flops: 2 * tokens * rows * columns,
    run: async () => {
      await session.run(feeds, fetches)
    }
  }
}
