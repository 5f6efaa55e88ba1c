import { bilinearTaps, f32, memoryWeights, type Backend, type HostTensor, type Taps } from '@sam/core/graph'
import { pointLabels, type SamConfig } from '@sam/core'
import type { Dataset } from '../data/dataset.js'
import { example, sidesOf, type Target } from '../example.js'
import { boundsOf, type Plane } from '../prompts/plane.js'
import { largestRegion, middleOf } from '../prompts/middle.js'
import { errorRegion } from '../prompts/error-region.js'
import type { Answer, PromptTokens } from '../interactive.js'
import { returnedMasks } from '../prompt-feeds.js'
import { ask } from '../rounds.js'
import { stateOf } from '../state.js'
import { answerGraph, embedGraph } from '../step.js'

export interface EvaluateOptions {
  readonly config: SamConfig
  readonly backend: Backend
  readonly params: Readonly<Record<string, HostTensor>>
  readonly data: Dataset
  /** Samples to look at, from the first. */
  readonly samples: number
  /** Objects at most. */
  readonly objects?: number
  /** Clicks an object; 9 unless told. */
  readonly clicks?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (objects: number) => void
}

/** How well a model answers; every IoU in pixels of the model's input. */
export interface Evaluation {
  readonly objects: number
  /** Mean IoU after 1, 2, … clicks, the mask being the one that the model ranks first. */
  readonly clicks: readonly number[]
  /** Mean IoU of the best of the three masks of the first click. */
  readonly oracle: number
  /** Mean IoU from the exact box: ranked first, and best of the three. */
  readonly box: number
  readonly boxOracle: number
  /** Mean clicks until the IoU is reached, an object that never does counting as all clicks. */
  readonly clicksTo85: number
  readonly clicksTo90: number
  /** Share of objects, by level, that one of the three masks matches (IoU ≥ 0.75) for one click that several nested objects hold. */
  readonly recall: Readonly<Record<string, number>>
  readonly ambiguousClicks: number
}

/**
 * Plays a careful user: the first click in the middle of the object, each next one in the middle of the largest error region, the last prediction given as
 * a mask. Paper: Section 7.1 and Appendix D.1, for the protocol of next clicks.
 */
export async function evaluate({ config, backend, params, data, samples, objects: limit = Infinity, clicks = 9, signal, onProgress }: EvaluateOptions): Promise<Evaluation> {
  const sides = { ...sidesOf(config), points: clicks + 1 }
  const prompts = 8
  const none = memoryWeights({})
  const embed = await backend.compile(embedGraph(config, 1), none)
  const answer = await backend.compile(answerGraph(config, { images: 1, prompts, points: sides.points }), none)
  const state = stateOf(answer.graph, params, new Set(Object.keys(params)))
  const taps = bilinearTaps(sides.low, config.imageSize)
  const sums = new Sums(clicks)

  try {
    for (let i = 0; i < samples && sums.objects < limit; i++) {
      signal?.throwIfAborted()
      const { image, targets } = example(await data.read(i), config)
      if (!targets.length) continue
      const { image_embedding: embedding } = await embed.run({ ...state.feeds(embed.graph), image: f32(image.shape, image.data.slice()) })
      for (let at = 0; at < targets.length && sums.objects < limit; at += prompts) {
        const group = targets.slice(at, at + prompts)
        const asked = async (tokens: readonly PromptTokens[]): Promise<Answer[]> => {
          const padded = Array.from({ length: prompts }, (_, k) => tokens[k] ?? tokens[0])
          return (await ask(padded, { answer, embedding: embedding, state, sides })).slice(0, tokens.length)
        }
        await playClicks(group, { clicks, asked, sums, taps, all: targets })
        const boxes = group.map(({ input }): PromptTokens => {
          const [x0, y0, x1, y1] = boundsOf(input)!
          return { points: [{ x: x0 - 0.5, y: y0 - 0.5, label: pointLabels.topLeft }, { x: x1 + 0.5, y: y1 + 0.5, label: pointLabels.bottomRight }], mask: undefined }
        })
        for (const [k, found] of (await asked(boxes)).entries()) {
          const { chosen, best } = judge(found, { prompt: boxes[k], truth: group[k].input, taps })
          sums.box += chosen.iou
          sums.boxOracle += best
        }
        onProgress?.(sums.objects)
      }
      embedding.dispose()
    }
  } finally {
    embed.dispose()
    answer.dispose()
  }
  return sums.evaluation()
}

class Sums {
  objects = 0
  readonly byClick: number[]
  oracle = 0
  box = 0
  boxOracle = 0
  reached85 = 0
  reached90 = 0
  ambiguous = 0
  readonly levels = new Map<string, { hit: number; all: number }>()
  constructor(readonly clicks: number) { this.byClick = new Array<number>(clicks).fill(0) }

  evaluation(): Evaluation {
    const n = Math.max(1, this.objects)
    const hits = [...this.levels.values()]
    const all = { hit: hits.reduce((s, l) => s + l.hit, 0), all: hits.reduce((s, l) => s + l.all, 0) }
    return {
      objects: this.objects,
      clicks: this.byClick.map(v => v / n), oracle: this.oracle / n, box: this.box / n, boxOracle: this.boxOracle / n,
      clicksTo85: this.reached85 / n, clicksTo90: this.reached90 / n,
      recall: Object.fromEntries([...this.levels, ['all', all] as const].map(([level, l]) => [level, l.hit / Math.max(1, l.all)])),
      ambiguousClicks: this.ambiguous
    }
  }
}

interface ClickOptions {
  readonly clicks: number
  readonly asked: (tokens: readonly PromptTokens[]) => Promise<Answer[]>
  readonly sums: Sums
  readonly taps: Taps
  /** All objects of the image: what else a click may have meant. */
  readonly all: readonly Target[]
}

async function playClicks(group: readonly Target[], { clicks, asked, sums, taps, all }: ClickOptions): Promise<void> {
  let prompts = group.map(({ input }): PromptTokens => {
    const [x, y] = middleOf(input)
    return { points: [{ x, y, label: pointLabels.foreground }], mask: undefined }
  })
  const reached = group.map(() => ({ at85: clicks, at90: clicks }))
  for (let click = 1; click <= clicks; click++) {
    const answers = await asked(prompts)
    prompts = prompts.map((prompt, k) => {
      const { input } = group[k]
      const { chosen, best, planes } = judge(answers[k], { prompt, truth: input, taps })
      sums.byClick[click - 1] += chosen.iou
      if (chosen.iou >= 0.85) reached[k].at85 = Math.min(reached[k].at85, click)
      if (chosen.iou >= 0.9) reached[k].at90 = Math.min(reached[k].at90, click)
      if (click === 1) {
        sums.oracle += best
        countLevels(sums, { point: prompt.points[0], all, planes })
      }
      const region = largestRegion(errorRegion(chosen.logits, input))
      if (!region) return { ...prompt, mask: chosen.low }
      const [x, y] = middleOf(region)
      const label = input.data[y * input.width + x] ? pointLabels.foreground : pointLabels.background
      return { points: [...prompt.points, { x, y, label }], mask: chosen.low }
    })
  }
  for (const { at85, at90 } of reached) {
    sums.reached85 += at85
    sums.reached90 += at90
  }
  sums.objects += group.length
}

/** The returned mask that the model ranks first, and the IoU of the best. */
function judge({ logits, iou }: Answer, { prompt, truth, taps }: { prompt: PromptTokens; truth: Plane; taps: Taps }) {
  const planes = returnedMasks(prompt, logits.length).map(m => {
    const upscaled = upscale(logits[m], taps)
    return { low: logits[m], logits: upscaled, iou: iouOf(upscaled, truth.data), predicted: iou[m] }
  })
  return { planes, chosen: planes.reduce((a, b) => b.predicted > a.predicted ? b : a), best: Math.max(...planes.map(p => p.iou)) }
}

/** Where several objects hold the click, each of them should be among the three masks. */
function countLevels(sums: Sums, { point, all, planes }: { point: { x: number; y: number }; all: readonly Target[]; planes: readonly { logits: Float32Array }[] }): void {
  const meant = all.filter(({ input }) => input.data[point.y * input.width + point.x])
  if (meant.length < 2) return
  sums.ambiguous++
  for (const { truth, input } of meant) {
    const level = sums.levels.get(truth.level ?? 'mask') ?? { hit: 0, all: 0 }
    sums.levels.set(truth.level ?? 'mask', level)
    level.all++
    if (planes.some(({ logits }) => iouOf(logits, input.data) >= 0.75)) level.hit++
  }
}

function iouOf(logits: Float32Array, truth: Uint8Array): number {
  let [both, either] = [0, 0]
  for (let i = 0; i < truth.length; i++) {
    const [a, b] = [logits[i] > 0, truth[i] > 0]
    if (a && b) both++
    if (a || b) either++
  }
  return either ? both / either : 1
}

/** Bilinear, from the answer's size to the input's: first along rows, then along columns. */
function upscale(logits: Float32Array, { inSize, outSize, width, first, count, weights }: Taps): Float32Array {
  const rows = new Float32Array(inSize * outSize)
  for (let y = 0; y < inSize; y++) {
    for (let x = 0; x < outSize; x++) {
      let v = 0
      for (let k = 0; k < count[x]; k++) v += weights[x * width + k] * logits[y * inSize + first[x] + k]
      rows[y * outSize + x] = v
    }
  }
  const out = new Float32Array(outSize * outSize)
  for (let y = 0; y < outSize; y++) {
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * width + k]
      const row = (first[y] + k) * outSize
      for (let x = 0; x < outSize; x++) out[y * outSize + x] += weight * rows[row + x]
    }
  }
  return out
}
