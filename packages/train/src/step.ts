import type { SamConfig } from '@sam/core'
import { decodeMasks, encodeImage, gridSize, lowResSize } from '@sam/core/model'
import {
  absorbProjections,
  differentiate,
  dropBranches,
  feedParams,
  graph,
  input,
  nameOf,
  nn,
  ops,
  paramsOf,
  scope,
  substitute,
  type Graph,
  type Value
} from '@sam/core/graph'
import type { AuxiliaryLoss } from './losses/auxiliary.js'
import { maskLoss, paperWeights, type LossWeights } from './losses/mask-loss.js'
import { paperAdamW, type AdamWOptions } from './optim/adamw.js'
import { isTrained, paramRule, type ParamRule } from './optim/groups.js'
import { depthOf, dropPathRates } from './optim/layers.js'
import { optimizerUpdate } from './optim/optimizer-update.js'
import type { OptimizerFor } from './optim/optimizer.js'

/** Sizes of a training step. */
export interface StepShape {
  /** B: images per step. */
  readonly images: number
  /** Prompts per image; prompt i belongs to image ⌊i / prompts⌋. P = images · prompts. */
  readonly prompts: number
  /** Tokens per prompt: points, box corners, padding. */
  readonly points: number
  /** Dimensions of a text embedding, which each prompt may have. Default: no text. */
  readonly text?: number
}

export interface StepOptions {
  readonly shape: StepShape
  /** Probability of dropping a residual branch of the last encoder block. For each block: `dropPathRates`. */
  readonly dropPath: number
  /** Probability of dropping an element of a residual branch of the decoder. */
  readonly dropout: number
  /** Limit of the global gradient norm. */
  readonly clipNorm: number
  readonly weightDecay: number
  readonly layerDecay: number
  /** Micro-steps whose gradients are averaged before the params are updated. */
  readonly accumulate: number
  /** Whether the image encoder is frozen, and its embeddings are fed. */
  readonly frozenEncoder: boolean
  readonly losses?: LossWeights
  readonly adamw?: AdamWOptions
  /** Losses added to the paper's. */
  readonly auxiliaryLosses?: readonly AuxiliaryLoss[] | undefined
  /** The optimizer of a param. Default: AdamW for all. */
  readonly optimizerFor?: OptimizerFor | undefined
}

/**
 * Image encoder and mask decoder as one graph over B images with the same number of prompts each.
 * Inputs as `encodeImage` and `decodeMasks` have them, with B images and P prompts; a frozen encoder leaves
 * `image_embedding` f32[B,C,g,g] in place of `image`.
 */
function forwardPass(
  config: SamConfig,
  { shape: { images, prompts, points, text = 0 }, frozenEncoder, dropPath, dropout }: ForwardOptions
): { graph: Graph; embedding: Value; dropRates: Readonly<Record<string, number>> } {
  const [g, p] = [gridSize(config), images * prompts]
  const encoder = frozenEncoder
    ? undefined
    : dropBranches(encodeImage(config, { images }), {
        rates: dropPath && dropPathRates(depthOf(config.imageEncoder), dropPath),
        per: 'sample'
      })
  const embedding = encoder
    ? encoder.graph.outputs.image_embedding
    : input('image_embedding', [images, config.width, g, g])
  const each = ops.reshape(
    ops.broadcastTo(ops.reshape(embedding, [images, 1, config.width, g, g]), [images, prompts, config.width, g, g]),
    [p, config.width, g, g]
  )
  const decode = absorbProjections(decodeMasks(config, { prompts: p, points, text, masks: true }))
  const decoder = dropBranches(decode, { rates: dropout, per: 'element' })
  return {
    graph: substitute(decoder.graph, leaf => (nameOf(leaf) === 'image_embedding' ? each : undefined)),
    embedding,
    dropRates: { ...encoder?.rates, ...decoder.rates }
  }
}

type ForwardOptions = Pick<StepOptions, 'shape' | 'frozenEncoder' | 'dropPath' | 'dropout'>

/** The image encoder with fed params: the simulated interaction prompts one embedding many times. */
export const encoderGraph = (config: SamConfig, images: number): Graph => feedParams(encodeImage(config, { images }))

/** The mask decoder on fed embeddings, with fed params. */
export const decoderGraph = (config: SamConfig, shape: StepShape): Graph =>
  feedParams(forwardPass(config, { shape, frozenEncoder: true, dropPath: 0, dropout: 0 }).graph)

export interface TrainingStep {
  readonly graph: Graph
  /** Probability of each input of the graph that drops a residual branch, by the input's name. */
  readonly dropRates: Readonly<Record<string, number>>
}

/**
 * A training step as one graph: forward pass, the paper's loss, gradients, clipping, optimizer. It runs on any backend.
 *
 * Inputs beside those of `encodeImage` (or `image_embedding`, where the encoder is frozen) and `decodeMasks`: `target`
 * f32[P,4g,4g]; `returned` f32[P,4] and `weight` f32[P] of `maskLoss`; `rate` and `correction` f32[2] of `adamw`; every
 * param by its name; the moments of `optimizerUpdate`; `drop/<branch>` of `dropBranches`, with the probabilities in
 * `dropRates`; with accumulation, `gradient/<param>`, and `apply` (1 in the step that updates the params, else 0).
 * Outputs: `loss`, `mask_loss`, `iou_error`, `gradient_norm` rank 0; `true_iou`, `iou_predictions` f32[P,4]. An output
 * named like an input is its value for the next step.
 */
export function trainingStep(config: SamConfig, options: StepOptions): TrainingStep {
  const {
    shape: { images, prompts, points, text },
    clipNorm,
    accumulate,
    frozenEncoder,
    losses = paperWeights,
    adamw = paperAdamW,
    auxiliaryLosses = [],
    optimizerFor
  } = options
  const [p, low] = [images * prompts, lowResSize(config)]
  const { graph: model, embedding, dropRates } = forwardPass(config, options)
  const { masks, iou_predictions: iou } = model.outputs as { masks: Value; iou_predictions: Value }
  const target = input('target', [p, low, low])
  const { loss, mask, iouError, trueIou } = maskLoss(
    { logits: masks, iou, target, returned: input('returned', iou.shape), weight: input('weight', [p]) },
    losses
  )
  const lossInputs = {
    embedding,
    target,
    ...(text && {
      text: {
        token: nn.linear(scope('prompt_encoder.text_projection'), input('text', [p, text]), config.width),
        weight: ops.reshape(ops.slice(input('token_mask', [p, points + 1]), 1, { start: points, size: 1 }), [p])
      }
    })
  }
  const reported = {
    loss: auxiliaryLosses.reduce((sum, auxiliary) => ops.add(sum, auxiliary(lossInputs)), loss),
    mask_loss: mask,
    iou_error: iouError,
    true_iou: trueIou,
    iou_predictions: iou
  }
  const trained = paramsOf(model)
    .map(v => nameOf(v)!)
    .filter(name => isTrained(name) && !(frozenEncoder && name.startsWith('image_encoder.')))
  const differentiated = differentiate(graph('step', reported, model.inputs), { loss: 'loss', wrt: trained })

  const rule = (name: string, rank: number): ParamRule =>
    paramRule(name, rank, { encoder: config.imageEncoder, ...options })
  const outputs = {
    ...Object.fromEntries(Object.keys(reported).map(name => [name, differentiated.outputs[name]])),
    ...optimizerUpdate(differentiated, { trained, rule, clipNorm, accumulate, adamw, optimizerFor })
  }
  return { graph: feedParams(graph('step', outputs, model.inputs)), dropRates }
}
