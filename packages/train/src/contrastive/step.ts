import { encodeCrops, encodeText, patchGrid, textEmbeds, imageEmbeds, type ClipConfig } from '@sam/clip'
import { differentiate, f32, feedParams, graph, input, nameOf, ops, paramsOf, scope, type Graph, type HostTensor, type Shape } from '@sam/core/graph'
import { freshParams } from '../init.js'
import { moves } from '../optim/moves.js'
import { contrastiveLoss } from './loss.js'
import type { ClipRecipe } from './recipe.js'

/** The name of the logarithm of what cosines are multiplied by, as in CLIP's checkpoints. */
const scaleName = 'logit_scale'

/** Every parameter of a CLIP, by name. */
export function clipShapes(config: ClipConfig): Map<string, Shape> {
  const params = [encodeText(config, { texts: 1 }), encodeCrops(config, { images: 1, masked: true })].flatMap(paramsOf)
  return new Map([...params.map(p => [nameOf(p)!, p.shape] as const), [scaleName, []]])
}

/** Fresh parameters, a function of the seed and the names; the scale begins at 1 / 0.07, as CLIP's. */
export const initialClip = (config: ClipConfig, seed: number): Record<string, HostTensor<'f32'>> =>
  ({ ...freshParams(clipShapes(config), seed), [scaleName]: f32([], [Math.log(1 / 0.07)]) })

/**
 * A whole step of contrastive training as one graph: both towers, the loss over all pairs of the batch's crops and phrases, gradients, clipping, the optimiser.
 * Inputs: `pixel_values` f32[B,3,S,S] and `mask_patches` f32[B,g²] of `encodeCrops`, `input_ids` i32[2B,T] of `encodeText`, `matches` f32[B,2B] of
 * `contrastiveLoss`; those of `moves`; every param by its name.
 * Outputs: `loss`, `gradient_norm` rank 0; `logits` f32[B,2B]; and each param and moment, which is its value for the next step.
 */
export function contrastiveStep({ config, batch, tokens, largestScale, clipNorm, weightDecay, adamw, muon }: ClipRecipe): Graph {
  const { imageSize } = config.vision
  const p = scope()
  const scale = ops.exp(ops.min(p.param(scaleName, []), ops.scalar(Math.log(largestScale))))
  const inputs = [
    input('pixel_values', [batch, 3, imageSize, imageSize]), input('mask_patches', [batch, patchGrid(config.vision) ** 2]),
    input('input_ids', [2 * batch, tokens], 'i32'), input('matches', [batch, 2 * batch])
  ] as const
  const [pixels, patches, ids, matches] = inputs
  const { loss, logits } = contrastiveLoss({ images: imageEmbeds(p, { pixels, patches }, config), texts: textEmbeds(p, ids, config), matches, scale })
  const trained = [...clipShapes(config).keys()]
  const differentiated = differentiate(graph('contrast', { loss, logits }, inputs), { loss: 'loss', wrt: trained })
  const rule = (name: string, rank: number) => ({ rateScale: 1, weightDecay: rank < 2 || name.includes('embedding') ? 0 : weightDecay })
  const next = moves(differentiated, { trained, rule, clipNorm, accumulate: 1, adamw, muon })
  return feedParams(graph('contrast', { loss: differentiated.outputs.loss, logits: differentiated.outputs.logits, ...next }, inputs))
}
