import { createHash } from 'node:crypto'
import { decodeImage, type AutomaticMaskOptions, type EncodedImage, type Sam } from '@sam/core'
import { refuse } from '@sam/core/graph'
import { toXywh } from '@sam/core/model'
import type { Job } from './job.js'
import type { ImageRecord, ObjectRecord } from './record.js'
import type { Task } from './task.js'

/**
 * Computes the record of an image from the bytes of its file. Errors of the image (`E_BAD_IMAGE`, `E_BAD_PROMPT` …) are
 * recorded; others end the job.
 */
export type Annotate = (task: Task, bytes: Uint8Array, signal?: AbortSignal) => Promise<ImageRecord>

/** The annotator of a job on a loaded model. `automatic` has the model's defaults of automatic mask generation. */
export function samAnnotator(
  sam: Sam,
  job: Job,
  { automatic = {} }: { readonly automatic?: AutomaticMaskOptions } = {}
): Annotate {
  return async (task, bytes, signal) => {
    const photo = await decodeImage(bytes, { signal })
    const image = await sam.encode(photo, { signal })
    try {
      const { width, height } = photo
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const objects = await objectsOf(image, task, { job, automatic, signal })
      return { key: task.key, image: task.image, sha256, width, height, objects }
    } finally {
      image.dispose()
    }
  }
}

interface Settings {
  readonly job: Job
  readonly automatic: AutomaticMaskOptions
  readonly signal: AbortSignal | undefined
}

async function objectsOf(image: EncodedImage, task: Task, settings: Settings): Promise<ObjectRecord[]> {
  if (settings.job.automatic) return automaticObjects(image, settings)
  return settings.job.phrases ? phraseObjects(image, task, settings) : promptObjects(image, task, settings)
}

async function automaticObjects(image: EncodedImage, { job, automatic, signal }: Settings): Promise<ObjectRecord[]> {
  const masks = await image.generateMasks({ ...automatic, ...job.automatic, keepLogits: false, signal })
  return masks.map(({ mask, stability, point, crop }) => ({
    ...mask.toJSON(),
    stability_score: stability,
    point_coords: [[point.x, point.y]],
    crop_box: toXywh(crop)
  }))
}

async function phraseObjects(
  image: EncodedImage,
  task: Task,
  { job, automatic, signal }: Settings
): Promise<ObjectRecord[]> {
  const { find, ...options } = job.phrases!
  const phrases = task.phrases ?? find
  if (!phrases)
    refuse('E_BAD_PROMPT', `${task.image}: must have phrases, in its line of the manifest or in the job (phrases.find)`)
  const objects: ObjectRecord[] = []
  for (const category of phrases)
    for (const { mask, score } of await image.query(category, { ...options, automatic, signal }))
      objects.push({ ...mask.toJSON(), category, score })
  return objects
}

async function promptObjects(image: EncodedImage, task: Task, { signal }: Settings): Promise<ObjectRecord[]> {
  if (!task.prompts)
    return refuse('E_BAD_PROMPT', `${task.image}: must have prompts in its line of the manifest, found none`)
  const prompts = task.prompts.map(({ category: _, ...prompt }) => prompt)
  const predictions = await image.predict(prompts, { signal })
  return predictions.map(({ masks: [best] }, prompt) => {
    const { category } = task.prompts![prompt]
    return { ...best.toJSON(), prompt, ...(category === undefined ? {} : { category }) }
  })
}
