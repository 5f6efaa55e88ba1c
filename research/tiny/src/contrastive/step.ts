import { encodeCrops, encodeText, patchGrid, textEmbeds, imageEmbeds, type ClipConfig } from '@sam/clip'
import {
  differentiate,
  f32,
  feedParams,
  graph,
  input,
  nameOf,
  ops,
  paramsOf,
  scope,
  type Graph,
  type HostTensor,
  type Shape
} from '@sam/core/graph'
import { initParams, optimizerUpdate, sinCosPositions } from '@sam/train/toolkit'
import { muonFor } from '../optim/muon.js'
import { labelGroupsOf } from './batches.js'
import { auxiliaryClassificationLoss, contrastiveLoss } from './loss.js'
import type { ClipRecipe } from './recipe.js'

/** Name of the log logit scale, as in CLIP's checkpoints. */
export const scaleName = 'logit_scale'
/** Name of the patch embedding. */
export const patchesName = 'vision_model.embeddings.patch_embedding.weight'
/** Name of the position table; its first row is the class token's. */
export const positionsName = 'vision_model.embeddings.position_embedding.weight'
/**
 * A weight vector per single word, for `auxiliaryClassificationLoss` alone; not a part of the CLIP. Without it neither
 * tower learns a word before the other does.
 */
const headName = 'word_projection.weight'

/** Every parameter of a CLIP, by name. */
export function clipShapes(config: ClipConfig): Map<string, Shape> {
  const params = [encodeText(config, { texts: 1 }), encodeCrops(config, { images: 1, masked: true })].flatMap(paramsOf)
  return new Map([...params.map(p => [nameOf(p)!, p.shape] as const), [scaleName, []]])
}

/**
 * Random params, a function of the seed and the names. The logit scale is 1 / 0.07, as in CLIP; positions are sines and
 * cosines, as in MAE: small random ones are negligible beside a patch's content, and shapes need positions.
 */
export function initialClip(config: ClipConfig, seed: number): Record<string, HostTensor<'f32'>> {
  const { width } = config.vision
  const grid = patchGrid(config.vision)
  // The class token's position is 0.
  const positions = f32(
    [1 + grid ** 2, width],
    [...new Float32Array(width), ...sinCosPositions([1, grid, grid, width])]
  )
  return {
    ...initParams(clipShapes(config), seed),
    [positionsName]: positions,
    [scaleName]: f32([], [Math.log(1 / 0.07)])
  }
}

/**
 * A step of contrastive training as one graph: both towers, the loss over all pairs of the batch's crops and phrases,
 * gradients, clipping, the optimizer. Inputs: `pixel_values` f32[B,3,S,S] and `mask_patches` f32[B,g²] of
 * `encodeCrops`, `input_ids` i32[N,T] of `encodeText`, `matches` f32[B,N] of `contrastiveLoss`; those of
 * `optimizerUpdate`; every param by its name. Outputs: `loss`, `gradient_norm` rank 0; `logits` f32[B,N], for the N
 * texts of all `labelGroupsOf`; and each param and moment, which is its value for the next step.
 */
export function contrastiveStep(recipe: ClipRecipe): Graph {
  const { config, batch, tokens, largestScale, clipNorm, weightDecay, adamw, muon } = recipe
  const { imageSize } = config.vision
  const labelGroups = labelGroupsOf(recipe)
  const texts = labelGroups.reduce((a, b) => a + b, 0)
  const p = scope()
  const scale = ops.exp(ops.min(p.param(scaleName, []), ops.scalar(Math.log(largestScale))))
  const inputs = [
    input('pixel_values', [batch, 3, imageSize, imageSize]),
    input('mask_patches', [batch, patchGrid(config.vision) ** 2]),
    input('input_ids', [texts, tokens], 'i32'),
    input('matches', [batch, texts])
  ] as const
  const [pixels, patches, ids, matches] = inputs
  const images = imageEmbeds(p, { pixels, patches }, config)
  const { loss: pairing, logits } = contrastiveLoss({
    images,
    texts: textEmbeds(p, ids, config),
    matches,
    scale,
    labelGroups
  })
  const [captions, ...wordGroups] = labelGroups
  const wordLogits = ops.matmul(images, ops.swap(p.param(headName, [texts - captions, config.projection])))
  const loss = ops.add(
    pairing,
    auxiliaryClassificationLoss({
      logits: wordLogits,
      matches: ops.slice(matches, 1, { start: captions, size: texts - captions }),
      labelGroups: wordGroups
    })
  )
  const trained = [...clipShapes(config).keys(), headName]
  const differentiated = differentiate(graph('contrast', { loss, logits }, inputs), { loss: 'loss', wrt: trained })
  const rule = (name: string, rank: number) => ({
    rateScale: 1,
    weightDecay: rank < 2 || name.includes('embedding') ? 0 : weightDecay
  })
  const next = optimizerUpdate(differentiated, {
    trained,
    rule,
    clipNorm,
    accumulate: 1,
    adamw,
    optimizerFor: muon && muonFor(muon)
  })
  return feedParams(
    graph('contrast', { loss: differentiated.outputs.loss, logits: differentiated.outputs.logits, ...next }, inputs)
  )
}
