import type { Backend, DeviceTensor, Feeds } from '../src/backend/backend.js'
import { paramsOf } from '../src/ir/graph.js'
import { nameOf } from '../src/ir/value.js'
import { writeEmbedding } from '../src/sdk/embedding-file.js'
import { frameOf } from '../src/image/frame.js'
import { decoderPrompt } from '../src/prompts/decoder-prompt.js'
import { promptFeeds, promptSignature } from '../src/prompts/prompt-feeds.js'
import type { EmbeddedPrompt, Point } from '../src/prompts/prompt.js'
import type { Prediction } from '../src/prompts/promptable.js'
import type { EncodedImage } from '../src/sdk/encoded-image.js'
import { loadSam } from '../src/sdk/load.js'
import { gridSize, lowResSize, vitB, type SamConfig } from '../src/sam/config.js'
import { decodeMasks } from '../src/sam/graphs.js'
import { f32 } from '../src/tensor/tensor.js'
import { generator } from '../src/testing/random.js'
import { hashFill, hashWeights } from '../src/weights/hash-fill.js'
import type { WeightSource } from '../src/weights/source.js'

/**
 * The published decoder (256 wide, 8 heads, MLP of 2048) on a 16 × 16 grid. The structure of its graph depends on the
 * numbers of tokens, prompts and heads, not on the grid, which is small so that a test takes seconds.
 */
const published: SamConfig = { ...vitB, name: 'published decoder, small grid', imageSize: 256 }
/**
 * For an emulated GPU: half the side of the grid, which still has more positions than a prompt has tokens, and a narrow
 * MLP. Attention and its stages are those of the published decoder.
 */
export const withNarrowMlp: SamConfig = {
  ...published,
  name: 'published decoder, smaller grid, narrow MLP',
  imageSize: 128,
  decoder: { ...published.decoder, mlpWidth: 64 }
}
const photo = { width: 300, height: 200 }
const textWidth = 512

export interface PromptListOptions {
  readonly seed: number
  /** Number of lists predicted on one image. */
  readonly lists: number
  /** Maximum number of prompts in a list. */
  readonly maxPrompts?: number
  /** Default: the published decoder on a small grid. */
  readonly config?: SamConfig
}

/**
 * Predicts random lists of prompts, in random order, on one `EncodedImage`. Each prediction must equal that of the
 * unstaged graph for this prompt alone on the same backend, within 1e-5 of the largest logit. Then another image
 * predicts the same lists in reverse order: predictions must not depend on earlier prompts. Throws an `Error` that
 * names the failing prompt and list.
 */
export async function checkPromptLists(
  backend: Backend,
  { seed, lists: count, maxPrompts = 64, config = published }: PromptListOptions
): Promise<void> {
  const random = generator(seed)
  const weights = decoderWeights(config)
  const sam = await loadSam({ weights, model: config, backend, parts: 'decoder' })
  const whole = unstagedGraphs(backend, config, weights)
  const g = gridSize(config)
  const data = hashFill({ name: 'image_embedding', shape: [1, config.width, g, g] }, seed).map(v => 10 * v)
  const embedding = f32([1, config.width, g, g], data)
  const file = await writeEmbedding({ embedding, ...photo, image: '', encoder: '' }, config)
  try {
    const lists = Array.from({ length: count }, (_, i) => promptList({ random, config, maxPrompts }, i))
    const predictions = await predictAll(await sam.load(file), lists)
    const reversed = await predictAll(await sam.load(file), [...lists].reverse())
    for (const [i, prompts] of lists.entries()) {
      for (const [k, prompt] of prompts.entries()) {
        const where = `seed ${seed}, list ${i} of ${prompts.length} prompts, prompt ${k} (${describePrompt(prompt)})`
        const alone = await whole.predict(prompt, embedding)
        compare(predictions[i][k], alone, `${where}: masks differ from those of the unstaged graph`)
        compare(reversed[count - 1 - i][k], alone, `${where}: the prediction depends on earlier prompts`)
      }
    }
  } finally {
    whole.dispose()
    await sam.dispose()
  }
}

async function predictAll(image: EncodedImage, lists: readonly (readonly EmbeddedPrompt[])[]): Promise<Prediction[][]> {
  const predictions: Prediction[][] = []
  for (const prompts of lists) predictions.push(await image.predict(prompts, { multimask: true }))
  image.dispose()
  return predictions
}

/** Logits of the three ranked masks by token, and their predicted IoU. */
interface DecodedPrompt {
  readonly logits: Float32Array
  readonly iou: Float32Array
}

/**
 * Decodes one prompt with the graph as Meta defines it: not split into stages, without absorbed projections, and
 * without padding to a common shape.
 */
function unstagedGraphs(
  backend: Backend,
  config: SamConfig,
  weights: WeightSource
): { predict(prompt: EmbeddedPrompt, embedding: Feeds[string]): Promise<DecodedPrompt>; dispose(): void } {
  const compiled = new Map<string, ReturnType<Backend['compile']>>()
  return {
    async predict(prompt, embedding) {
      const prompts = [decoderPrompt(prompt, frameOf(photo, config.imageSize))]
      const signature = promptSignature(prompts)
      const feeds = promptFeeds(prompts, signature, config)
      const key = JSON.stringify(signature)
      if (!compiled.has(key)) compiled.set(key, backend.compile(decodeMasks(config, signature), weights))
      const out = await (await compiled.get(key)!).run({ ...feeds, image_embedding: embedding })
      const read = async (tensor: DeviceTensor): Promise<Float32Array> => (await tensor.read()).data as Float32Array
      const [logits, iou] = await Promise.all([read(out.masks), read(out.iou_predictions)])
      for (const tensor of Object.values(out)) tensor.dispose()
      return { logits, iou }
    },
    dispose() {
      for (const executable of compiled.values()) executable.then(e => e.dispose()).catch(() => {})
    }
  }
}

function compare({ masks, tokenIndices }: Prediction, { logits, iou }: DecodedPrompt, message: string): void {
  const plane = masks[0].lowResLogits!.length
  const largest = logits.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  for (const [i, mask] of masks.entries()) {
    const expected = logits.subarray(tokenIndices[i] * plane, (tokenIndices[i] + 1) * plane)
    const error = mask.lowResLogits!.reduce((most, x, j) => Math.max(most, Math.abs(x - expected[j])), 0) / largest
    const iouError = Math.abs(mask.predictedIou - iou[tokenIndices[i]])
    if (!(error <= 1e-5 && iouError <= 1e-5)) {
      throw new Error(
        `${message}: mask of token ${tokenIndices[i]} is off by ${error.toExponential(1)} of the largest logit, ` +
          `predicted IoU by ${iouError.toExponential(1)}`
      )
    }
  }
}

function decoderWeights(config: SamConfig): WeightSource {
  const params = paramsOf(decodeMasks(config, { prompts: 1, points: 1, text: textWidth, masks: true }))
  return hashWeights(
    params.map(p => ({ name: nameOf(p)!, shape: p.shape })),
    7
  )
}

interface Drawing {
  readonly random: () => number
  readonly config: SamConfig
  readonly maxPrompts: number
}

/** The first lists are regressions: prompts with many points, with and without a mask, next to prompts with few. */
function promptList({ random, config, maxPrompts }: Drawing, i: number): EmbeddedPrompt[] {
  const upTo = (n: number): number => 1 + Math.floor(random() * n)
  if (i === 0) return [{ points: points(random, 8) }]
  if (i === 1) return [{ points: points(random, 1) }, { points: points(random, 40) }].slice(0, maxPrompts)
  if (i === 2) return [{ points: points(random, 8) }, { mask: maskPrompt(config, upTo(99)) }].slice(-maxPrompts)
  // Lists of a few prompts are most common; one in four is long.
  const prompts = upTo(random() < 0.25 ? maxPrompts : Math.min(4, maxPrompts))
  return Array.from({ length: prompts }, () => randomPrompt(random, config))
}

function randomPrompt(random: () => number, config: SamConfig): EmbeddedPrompt {
  const often = (p: number): boolean => random() < p
  const prompt: { -readonly [K in keyof EmbeddedPrompt]: EmbeddedPrompt[K] } = {}
  if (often(0.7)) prompt.points = points(random, 1 + Math.floor(random() * (often(0.3) ? 40 : 10)))
  if (often(0.3)) {
    const [x, y] = [random() * 200, random() * 100]
    prompt.box = [x, y, x + 10 + random() * 80, y + 10 + random() * 80]
  }
  if (often(0.2)) prompt.mask = maskPrompt(config, Math.floor(random() * 1e6))
  if (often(0.2)) prompt.text = vector('text', textWidth, random)
  if (often(0.2))
    prompt.sparseEmbeddings = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      vector('token', config.width, random)
    )
  return Object.keys(prompt).length ? prompt : { points: points(random, 1) }
}

const points = (random: () => number, n: number): Point[] =>
  Array.from({ length: n }, () => ({
    x: random() * photo.width,
    y: random() * photo.height,
    label: random() < 0.6 ? ('foreground' as const) : ('background' as const)
  }))

/** Low-resolution logits in [−8, 8). */
const maskPrompt = (config: SamConfig, seed: number): Float32Array =>
  hashFill({ name: 'mask_prompt', shape: [lowResSize(config) ** 2] }, seed).map(v => 80 * v)

function vector(name: string, length: number, random: () => number): Float32Array {
  const v = hashFill({ name, shape: [length] }, Math.floor(random() * 1e9))
  const norm = Math.hypot(...v)
  return v.map(x => x / norm)
}

const describePrompt = (prompt: EmbeddedPrompt): string =>
  Object.entries(prompt)
    .map(([kind, value]) => (kind === 'points' ? `${(value as Point[]).length} points` : kind))
    .join(', ')
