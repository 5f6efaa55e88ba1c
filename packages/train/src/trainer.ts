import {
  f32,
  full,
  InputError,
  memoryWeights,
  nameOf,
  sizeOf,
  type Backend,
  type DeviceTensor,
  type Feeds,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import { promptFeeds, type DecoderPrompt, type SamConfig } from '@sam/core/model'
import type { Dataset } from './data/dataset.js'
import { defaultEmbeddingBytes, freshEmbeddings, keptEmbeddings } from './embeddings.js'
import { sidesOf } from './example.js'
import { paramShapes, textWidthIn } from './init.js'
import { tokensOf } from './interactive.js'
import { joined } from './joined.js'
import { learningRate } from './optim/schedule.js'
import { preparation, type Prepare, type Prepared } from './prepared.js'
import { random, type Random } from './random.js'
import type { Recipe } from './recipes.js'
import { playRounds, type Turn } from './rounds.js'
import { stateOf, type State } from './state.js'
import { answerGraph, dropRates, stepGraph } from './step.js'
import { withAbsent } from './text/absent.js'
import { checkTeacher, cropPrompts, moved, type CropTeacher } from './text/crop-prompts.js'

export interface TrainerOptions {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly backend: Backend
  readonly seed: number
  /** Params to begin with; and, to go on with a run, moments and sums of gradients. */
  readonly state: Readonly<Record<string, HostTensor>>
  /** Iterations that are done. */
  readonly iteration?: number
  /** What a recipe with text prompts learns them from. */
  readonly clip?: CropTeacher | undefined
  /**
   * How samples are made ready for a step: on this thread, by `preparation`, unless told; by others, see `preparers`.
   */
  readonly prepare?: Prepare | undefined
  /**
   * Memory for embeddings that are computed once: where the encoder is frozen, the data finite and its images not
   * jittered. 4 GiB unless told.
   */
  readonly embeddingBytes?: number
}

/** What one iteration showed. */
export interface StepReport {
  /** From 1. */
  readonly iteration: number
  readonly rate: number
  readonly loss: number
  readonly maskLoss: number
  readonly iouError: number
  readonly gradientNorm: number
  /**
   * Mean true IoU of the mask that the model itself ranks first, over first prompts and over later ones; and over first
   * prompts that are text.
   */
  readonly firstIou: number
  readonly laterIou: number
  readonly textIou?: number
  /** Samples passed over because nothing could be learnt from them. */
  readonly skipped: number
}

export interface Trainer {
  readonly iteration: number
  readonly recipe: Recipe
  readonly state: State
  /**
   * One iteration: examples, rounds, gradient, and the move of the params. Throws `NotFinite` when the loss or the
   * gradient is not a number; the state is then as before.
   */
  step(): Promise<StepReport>
  dispose(): void
}

/** The loss or the gradient of a batch is not a number. The batch is kept, to be looked at. */
export class NotFinite extends Error {
  override readonly name = 'NotFinite'
  constructor(
    readonly report: StepReport,
    readonly feeds: Readonly<Record<string, HostTensor>>
  ) {
    super(
      `iteration ${report.iteration}: loss ${report.loss}, gradient norm ${report.gradientNorm}; training stops with the params of the iteration before. ` +
        'Lower the rate, or look at the batch'
    )
  }
}

/**
 * The loop's body, and everything that it keeps. All randomness is a function of the seed and the iteration, so a run
 * that is stopped and resumed goes on as if it had not been.
 */
export async function trainer({
  recipe,
  data,
  backend,
  seed,
  state: known,
  iteration = 0,
  clip,
  prepare = preparation({ recipe, data, seed, clip: clip?.config }),
  embeddingBytes = defaultEmbeddingBytes
}: TrainerOptions): Promise<Trainer> {
  const {
    config,
    microBatch: images,
    objects,
    trainedRounds,
    adamw: { beta1, beta2 }
  } = recipe
  checkTeacher(recipe, clip)
  const points = tokensOf(recipe.plan)
  const text = recipe.text?.width ?? 0
  const sides = { ...sidesOf(config), points, text }
  const accumulate = Math.max(1, Math.round(recipe.batch / images))
  const options = {
    ...recipe,
    grounding: recipe.text?.grounding,
    shape: { images, prompts: objects * trainedRounds, points, text },
    accumulate
  }
  const graph = stepGraph(config, options)
  const rates = dropRates(config, options)
  const none = memoryWeights({})
  const answer = await backend.compile(answerGraph(config, { images, prompts: objects, points, text }), none)
  const executable = await backend.compile(graph, none)
  const state = stateOf(graph, known, new Set(paramShapes(config, textWidthIn(known)).keys()))
  const again = recipe.frozenEncoder && Number.isFinite(data.size) && !recipe.jitter && embeddingBytes > 0
  const encoding = { config, images, backend, state }
  const embeddings = await (again ? keptEmbeddings(encoding, embeddingBytes) : freshEmbeddings(encoding))
  let done = iteration

  const batchOf = async (micro: number): Promise<Batch> => {
    const { prepared, skipped } = await prepareBatch(prepare, { at: micro * images, count: images })
    return {
      prepared,
      skipped,
      texts: moved(random(seed, micro, movedKey), await cropPrompts(prepared, clip), recipe.text?.noise ?? 0)
    }
  }
  // While the device computes, the host makes the next samples ready.
  const ahead = new Map<number, Promise<Batch>>()
  const readAhead = (micro: number): void => {
    if (ahead.has(micro)) return
    const batch = batchOf(micro)
    batch.catch(() => {}) // whoever needs it sees the error
    ahead.set(micro, batch)
  }
  const take = (micro: number): Promise<Batch> => {
    readAhead(micro)
    const batch = ahead.get(micro)!
    ahead.delete(micro)
    return batch
  }

  /** Gradient of some images; moves the params when `last`. */
  const microStep = async (
    draw: Random,
    { prepared, texts: own }: Batch,
    { micro, last, rate }: { micro: number; last: boolean; rate: number }
  ) => {
    const each = prepared.map(({ image }) => image)
    let seen: Promise<DeviceTensor> | undefined
    const embedding = (): Promise<DeviceTensor> =>
      (seen ??= embeddings.of(
        each,
        prepared.map(({ place }) => place)
      ))
    const { truths, texts } = withAbsent(
      draw,
      { truths: prepared.flatMap(one => one.truths), texts: own },
      { images, share: recipe.text?.absent ?? 0 }
    )
    const first = prepared
      .flatMap(one => one.first)
      .map((prompt, i): DecoderPrompt => prompt ?? { points: [], mask: undefined, text: texts[i]! })
    const turns = (await playRounds(draw, { recipe, truths, first, answer, embedding, state, sides })).flat()
    const fed: Record<string, HostTensor> = {
      ...(recipe.frozenEncoder ? {} : { image: joined(each) }),
      ...turnFeeds(turns, config, { ...sides, masks: 1 + config.decoder.multimaskOutputs }),
      ...dropFeeds(draw, graph.inputs, rates),
      rate: f32([], [rate]),
      correction: f32([2], [1 - beta1 ** (done + 1), 1 - beta2 ** (done + 1)]),
      ...(accumulate > 1 && { apply: f32([], [last ? 1 : 0]) })
    }
    const feeds: Feeds = {
      ...state.feeds(graph),
      ...fed,
      ...(recipe.frozenEncoder && { image_embedding: await embedding() })
    }
    const running = executable.run(feeds)
    for (let next = 1; next <= batchesAhead; next++) readAhead(micro + next)
    const outputs = await running
    ;(await seen)?.dispose()
    return { outputs, turns, fed }
  }

  return {
    get iteration() {
      return done
    },
    recipe,
    state,
    async step() {
      const rate = learningRate(recipe.schedule, done)
      const sums = { loss: 0, maskLoss: 0, iouError: 0, skipped: 0, first: [0, 0], later: [0, 0], text: [0, 0] }
      let gradientNorm = 0
      for (let micro = 0; micro < accumulate; micro++) {
        const place = done * accumulate + micro
        const batch = await take(place)
        const { outputs, turns, fed } = await microStep(random(seed, done, micro), batch, {
          micro: place,
          last: micro === accumulate - 1,
          rate
        })
        const read = async (name: string): Promise<ArrayLike<number>> => {
          const { data: values } = await outputs[name].read()
          outputs[name].dispose()
          return values
        }
        const loss = (await read('loss'))[0]
        sums.loss += loss / accumulate
        sums.maskLoss += (await read('mask_loss'))[0] / accumulate
        sums.iouError += (await read('iou_error'))[0] / accumulate
        sums.skipped += batch.skipped
        gradientNorm = (await read('gradient_norm'))[0]!
        countIou(sums, {
          turns,
          real: await read('true_iou'),
          predicted: await read('iou_predictions'),
          masks: 1 + config.decoder.multimaskOutputs
        })
        if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
          Object.values(outputs).forEach(t => t.dispose())
          throw new NotFinite({ ...report(), iteration: done + 1 }, fed)
        }
        state.advance(outputs)
      }
      done++
      return report()

      function report(): StepReport {
        const { loss, maskLoss, iouError, skipped, first, later, text: texts } = sums
        const mean = ([sum, count]: number[]): number => sum / Math.max(1, count)
        return {
          iteration: done,
          rate,
          loss,
          maskLoss,
          iouError,
          gradientNorm,
          firstIou: mean(first),
          laterIou: mean(later),
          ...(text && { textIou: mean(texts) }),
          skipped
        }
      }
    },
    dispose() {
      for (const e of [embeddings, answer, executable]) e.dispose()
      state.dispose()
    }
  }
}

/** How many batches are made ready ahead: threads that share in one are seldom done at once. */
const batchesAhead = 2

/** Keeps these draws apart from others. */
const movedKey = 0x4d4f56

/**
 * The samples of a step and the embeddings of their crops, by object; and how many samples were passed over on the way.
 */
interface Batch {
  readonly prepared: readonly Prepared[]
  readonly texts: readonly (Float32Array | undefined)[]
  readonly skipped: number
}

/** The next samples that have something to learn, all at once; at most so many are passed over in a row. */
async function prepareBatch(
  prepare: Prepare,
  { at, count }: { at: number; count: number }
): Promise<Pick<Batch, 'prepared' | 'skipped'>> {
  const limit = 100
  const prepared: Prepared[] = []
  let [skipped, next] = [0, at]
  while (prepared.length < count) {
    const missing = count - prepared.length
    for (const found of await Promise.all(Array.from({ length: missing }, (_, i) => prepare(next + i)))) {
      if (!('unfit' in found)) prepared.push(found)
      else if (++skipped > limit)
        throw new InputError(
          'E_BAD_IMAGE',
          `${limit} samples in a row have nothing to learn from, the last: ${found.unfit}. Look at the data`
        )
    }
    next += missing
  }
  return { prepared, skipped }
}

function turnFeeds(
  turns: readonly Turn[],
  config: SamConfig,
  { points, low, text, masks }: { points: number; low: number; text: number; masks: number }
): Record<string, HostTensor> {
  const p = turns.length
  const [target, returned] = [new Float32Array(p * low * low), new Float32Array(p * masks)]
  turns.forEach((turn, i) => {
    target.set(turn.truth.data, i * low * low)
    for (const m of turn.returned) returned[i * masks + m] = 1
  })
  return {
    ...promptFeeds(
      turns.map(t => t.prompt),
      { prompts: p, points, text, masks: true },
      config
    ),
    target: f32([p, low, low], target),
    returned: f32([p, masks], returned),
    weight: full('f32', [p], 1)
  }
}

/** Dropout and drop path: 0 with the probability of the input, else what keeps the mean. */
function dropFeeds(
  draw: Random,
  inputs: readonly Value[],
  rates: Readonly<Record<string, number>>
): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {}
  for (const value of inputs) {
    const rate = rates[nameOf(value)!]
    if (rate === undefined) continue
    const factors = Float32Array.from({ length: sizeOf(value.shape) }, () => (draw.chance(rate) ? 0 : 1 / (1 - rate)))
    feeds[nameOf(value)!] = f32(value.shape, factors)
  }
  return feeds
}

/**
 * Adds the true IoU of each turn's best-ranked returned mask to the sums of first and of later prompts, and of first
 * prompts that are text.
 */
function countIou(
  { first, later, text }: Record<'first' | 'later' | 'text', number[]>,
  {
    turns,
    real,
    predicted,
    masks
  }: { turns: readonly Turn[]; real: ArrayLike<number>; predicted: ArrayLike<number>; masks: number }
): void {
  turns.forEach(({ returned, prompt, truth }, i) => {
    if (!truth.data.includes(1)) return // nothing is there
    const best = returned.reduce((a, b) => (predicted[i * masks + b] > predicted[i * masks + a] ? b : a))
    const into = prompt.mask ? later : prompt.text ? text : first
    into[0] += real[i * masks + best]
    into[1] += 1
  })
}
