import type { Mask, Prompt } from '@sam/core'
import { hasNoPrompts, type AnnotatedObject, type Prompts } from '../document/project.js'
import type { ImageLike } from './sam-like.js'

/** Predicts the masks of objects, each of their prompts once. */
export interface Predictor {
  /** Requests what these objects miss, and aborts what none of them needs any more. Without an image it only aborts. */
  request(objects: readonly AnnotatedObject[], image: ImageLike | undefined): void
  /** Aborts all requests. */
  stop(): void
}

export interface PredictorOptions {
  /** Whether the masks of these prompts are there. */
  readonly isKnown: (prompts: Prompts) => boolean
  readonly predicted: (object: AnnotatedObject, masks: readonly Mask[]) => void
  readonly fail: (error: unknown) => void
}

export const promptOf = ({ points, box, from }: Prompts): Prompt => ({
  points,
  ...(box && { box }),
  ...(from && { mask: from })
})

export function createPredictor({ isKnown, predicted, fail }: PredictorOptions): Predictor {
  const pending = new Map<Prompts, AbortController>()

  async function predict(object: AnnotatedObject, image: ImageLike): Promise<void> {
    const { prompts } = object
    const abort = new AbortController()
    pending.set(prompts, abort)
    const { signal } = abort
    try {
      const { masks } = await image.predict(promptOf(prompts), { multimask: prompts.multimask ?? 'auto', signal })
      predicted(object, masks)
    } catch (error) {
      if (!signal.aborted) fail(error)
    } finally {
      if (pending.get(prompts) === abort) pending.delete(prompts)
    }
  }

  return {
    request(objects, image) {
      for (const [prompts, abort] of pending) {
        if (objects.some(object => object.prompts === prompts)) continue
        abort.abort()
        pending.delete(prompts)
      }
      if (!image) return
      for (const object of objects) {
        const { prompts } = object
        if (!hasNoPrompts(prompts) && !isKnown(prompts) && !pending.has(prompts)) void predict(object, image)
      }
    },
    stop() {
      for (const abort of pending.values()) abort.abort()
      pending.clear()
    }
  }
}
