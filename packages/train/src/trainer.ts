import { promptFeeds, type DecoderPrompt, type SamConfig } from '@sam/core/model'
import {
  f32,
  full,
  memoryWeights,
  nameOf,
  sizeOf,
  type Backend,
  type DeviceTensor,
  type Feeds,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import { createRng, type Rng } from '@sam/rng'
import { checkMoments, stateOf, type State } from './checkpoint/state.js'
import type { Recipe } from './config/recipes.js'
import { batchLoader, type Batch } from './data/batch-loader.js'
import { concat } from './data/concat.js'
import type { Dataset } from './data/dataset.js'
import { sidesOf } from './data/example.js'
import { checkFirstPrompt, type FirstPrompt } from './data/first-prompt.js'
import { exampleLoader, type LoadExample } from './data/load-example.js'
import { cachedEmbeddings, defaultEmbeddingBytes, recomputedEmbeddings } from './embeddings.js'
import { tokensOf } from './interaction/prompts.js'
import { simulateInteraction, type InteractionStep } from './interaction/simulate.js'
import type { AuxiliaryLoss } from './losses/auxiliary.js'
import type { OptimizerFor } from './optim/optimizer.js'
import { learningRate } from './optim/schedule.js'
import { paramShapes, textWidthIn } from './pretrained/init.js'
import { NotFinite, stepSums, type StepReport } from './report/step-report.js'
import { decoderGraph, trainingStep } from './step.js'

/** Extensions of training; without them it is the paper's. */
export interface TrainingHooks {
  /** Embeddings as first prompts, which a recipe with text prompts needs. */
  readonly firstPrompt?: FirstPrompt | undefined
  /** Losses added to the paper's, already weighted. */
  readonly auxiliaryLosses?: readonly AuxiliaryLoss[] | undefined
  /** Chooses the optimizer of each param. Default: AdamW for all. */
  readonly optimizerFor?: OptimizerFor | undefined
}

export interface TrainerOptions extends TrainingHooks {
  readonly recipe: Recipe
  readonly data: Dataset
  readonly backend: Backend
  readonly seed: number
  /** Initial params; to resume a run, also optimizer moments and gradient sums. */
  readonly state: Readonly<Record<string, HostTensor>>
  /** Iterations done. */
  readonly iteration?: number
  /** Loads examples. Default: on this thread; on other threads, see `dataWorkers`. */
  readonly loadExample?: LoadExample | undefined
  /**
   * Memory for cached image embeddings, where the encoder is frozen, the data finite and its images not jittered.
   * Default: 4 GiB.
   */
  readonly embeddingBytes?: number
}

export interface Trainer {
  readonly iteration: number
  readonly recipe: Recipe
  readonly state: State
  /**
   * One iteration: the micro-batches of a batch, forward and backward, and the optimizer's update. Throws `NotFinite`
   * when the loss or the gradient norm is not a finite number; the state is then that of the iteration before.
   */
  trainStep(): Promise<StepReport>
  dispose(): void
}

/**
 * Compiles a recipe's graphs and keeps the training state. All randomness is a function of the seed and the iteration,
 * so a resumed run continues as if it had not been stopped. Throws `InputError` `E_BAD_OPTION` where a resumed state
 * has the moments of another optimizer or other trained params.
 */
export async function trainer({
  recipe,
  data,
  backend,
  seed,
  state: initial,
  iteration = 0,
  firstPrompt,
  auxiliaryLosses,
  optimizerFor,
  loadExample = exampleLoader({ recipe, data, seed, crops: firstPrompt }),
  embeddingBytes = defaultEmbeddingBytes
}: TrainerOptions): Promise<Trainer> {
  checkFirstPrompt(recipe, firstPrompt)
  const { config, microBatch: images, objects, trainedRounds } = recipe
  const [points, text] = [tokensOf(recipe.plan), recipe.text?.width ?? 0]
  const sides = { ...sidesOf(config), points, text }
  const accumulate = Math.max(1, Math.round(recipe.batch / images))
  const options = {
    ...recipe,
    auxiliaryLosses,
    optimizerFor,
    shape: { images, prompts: objects * trainedRounds, points, text },
    accumulate
  }
  const { graph, dropRates } = trainingStep(config, options)
  const params = new Set(paramShapes(config, textWidthIn(initial)).keys())
  if (iteration > 0) checkMoments(graph, initial, params)
  const none = memoryWeights({})
  const decoder = await backend.compile(decoderGraph(config, { images, prompts: objects, points, text }), none)
  const executable = await backend.compile(graph, none)
  const state = stateOf(graph, initial, params)
  const isCached = recipe.frozenEncoder && Number.isFinite(data.size) && !recipe.jitter && embeddingBytes > 0
  const encoding = { config, images, backend, state }
  const embeddings = await (isCached ? cachedEmbeddings(encoding, embeddingBytes) : recomputedEmbeddings(encoding))
  const batches = batchLoader(loadExample, { images, firstPrompt })
  const masks = 1 + config.decoder.multimaskOutputs
  let done = iteration

  /** Forward and backward pass of a micro-batch; updates the params when `last`. */
  const forwardBackwardStep = async (
    rng: Rng,
    { examples, texts: own }: Batch,
    { micro, last, rate }: { micro: number; last: boolean; rate: number }
  ) => {
    const pixels = examples.map(({ image }) => image)
    let encoded: Promise<DeviceTensor> | undefined
    const embedding = (): Promise<DeviceTensor> =>
      (encoded ??= embeddings.of(
        pixels,
        examples.map(({ index }) => index)
      ))
    const prompts = { truths: examples.flatMap(one => one.truths), texts: own }
    const { truths, texts } = firstPrompt?.augment?.(prompts, { rng, seed, micro, images }) ?? prompts
    const first = examples
      .flatMap(one => one.firstPrompts)
      .map((prompt, i): DecoderPrompt => prompt ?? { points: [], mask: undefined, text: texts[i]! })
    const steps = (await simulateInteraction(rng, { recipe, truths, first, decoder, embedding, state, sides })).flat()

    const { beta1, beta2 } = recipe.adamw
    const fed: Record<string, HostTensor> = {
      ...(recipe.frozenEncoder ? {} : { image: concat(pixels) }),
      ...interactionFeeds(steps, config, { ...sides, masks }),
      ...dropFeeds(rng, graph.inputs, dropRates),
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
    batches.prefetch(micro)
    const outputs = await running
    ;(await encoded)?.dispose()
    return { outputs, steps, fed }
  }

  return {
    get iteration() {
      return done
    },
    recipe,
    state,
    async trainStep() {
      const rate = learningRate(recipe.schedule, done)
      const sums = stepSums({ iteration: done + 1, rate, accumulate, masks, text: text > 0 })
      for (let i = 0; i < accumulate; i++) {
        const micro = done * accumulate + i
        const batch = await batches.take(micro)
        const { outputs, steps, fed } = await forwardBackwardStep(createRng(seed, done, i), batch, {
          micro,
          last: i === accumulate - 1,
          rate
        })
        if (!(await sums.add(outputs, steps, batch))) {
          Object.values(outputs).forEach(t => t.dispose())
          throw new NotFinite(sums.report(), fed)
        }
        state.advance(outputs)
      }
      done++
      return sums.report()
    },
    dispose() {
      for (const e of [embeddings, decoder, executable]) e.dispose()
      state.dispose()
    }
  }
}

/** The inputs of a training step that come from the simulated interaction. */
function interactionFeeds(
  steps: readonly InteractionStep[],
  config: SamConfig,
  { points, low, text, masks }: { points: number; low: number; text: number; masks: number }
): Record<string, HostTensor> {
  const p = steps.length
  const [target, returned] = [new Float32Array(p * low * low), new Float32Array(p * masks)]
  steps.forEach((step, i) => {
    target.set(step.truth.data, i * low * low)
    for (const m of step.returned) returned[i * masks + m] = 1
  })
  return {
    ...promptFeeds(
      steps.map(({ prompt }) => prompt),
      { prompts: p, points, text, masks: true },
      config
    ),
    target: f32([p, low, low], target),
    returned: f32([p, masks], returned),
    weight: full('f32', [p], 1)
  }
}

/** Dropout and drop path: factors 0 with the input's probability p, else 1 / (1 − p). */
function dropFeeds(
  rng: Rng,
  inputs: readonly Value[],
  rates: Readonly<Record<string, number>>
): Record<string, HostTensor> {
  const feeds: Record<string, HostTensor> = {}
  for (const value of inputs) {
    const rate = rates[nameOf(value)!]
    if (rate === undefined) continue
    const factors = Float32Array.from({ length: sizeOf(value.shape) }, () => (rng.chance(rate) ? 0 : 1 / (1 - rate)))
    feeds[nameOf(value)!] = f32(value.shape, factors)
  }
  return feeds
}
