import { ops } from '@sam/core/graph'
import { createRng } from '@sam/rng'
import type { AuxiliaryLoss, FirstPrompt, TrainingHooks } from '@sam/train'
import { addEmbeddingNoise } from './grounding/embedding-noise.js'
import { groundingLoss, matchingLoss, prototypeLoss } from './grounding/losses.js'
import { addNegativePrompts } from './grounding/negative-prompts.js'
import { eraseParts } from './masks/erase-parts.js'
import { muonFor } from './optim/muon.js'
import type { TinyRecipe } from './recipes.js'

/** The extensions of a recipe. */
export interface RecipeHooks extends Omit<TrainingHooks, 'firstPrompt'> {
  /** For the caller's `firstPrompt`, in addition to its CLIP. */
  readonly firstPrompt: Pick<FirstPrompt, 'cropMask' | 'augment'>
}

/** Turns a recipe's own settings into code. */
export function hooks({ muon, prototype = 0, text }: TinyRecipe): RecipeHooks {
  const { erase = 0, noise = 0, negatives = 0, grounding = 0 } = text ?? {}
  const losses: AuxiliaryLoss[] = []
  if (grounding)
    losses.push(({ text: prompts, ...inputs }) => {
      if (!prompts) throw new Error('a grounding loss needs text prompts')
      return ops.mul(
        ops.add(groundingLoss({ ...inputs, ...prompts }), matchingLoss({ ...inputs, ...prompts })),
        grounding
      )
    })
  if (prototype) losses.push(inputs => ops.mul(prototypeLoss(inputs), prototype))
  return {
    auxiliaryLosses: losses,
    optimizerFor: muon && muonFor(muon),
    firstPrompt: {
      cropMask: (rng, mask, others) => eraseParts(rng, mask, { others, probability: erase }),
      augment: ({ truths, texts }, { rng, seed, micro, images }) =>
        addNegativePrompts(
          rng,
          { truths, texts: addEmbeddingNoise(createRng(seed, micro, noiseKey), texts, noise) },
          { images, share: negatives }
        )
    }
  }
}

/** RNG stream of the embedding noise. */
const noiseKey = 0x4d4f56
