import { refuse, brief } from '@sam/core/graph'
import type { AutomaticMaskOptions } from '@sam/core'
import { annotationFormats } from '@sam/annotations'
import { parse } from 'yaml'
import { z } from 'zod'

const fraction = z.number().min(0).max(1)
const phrase = z.string().trim().min(1)

/** Options of `EncodedImage.generateMasks` that a file can hold; core checks their ranges. */
const automatic = {
  pointsPerSide: z.int().positive().optional(),
  pointsPerBatch: z.int().positive().optional(),
  predIouThresh: z.number().optional(),
  stabilityScoreThresh: z.number().optional(),
  stabilityScoreOffset: z.number().optional(),
  maskThreshold: z.number().optional(),
  boxNmsThresh: z.number().optional(),
  cropNLayers: z.int().min(0).optional(),
  cropNmsThresh: z.number().optional(),
  cropOverlapRatio: z.number().optional(),
  cropNPointsDownscaleFactor: z.number().min(1).optional(),
  minMaskRegionArea: z.int().min(0).optional(),
  maxArea: z.number().optional(),
  overlap: z.strictObject({ iou: fraction.exactOptional(), containment: fraction.exactOptional() }).optional()
} satisfies Record<
  Exclude<keyof AutomaticMaskOptions, 'pointGrids' | 'keepLogits' | 'onProgress' | 'signal'>,
  z.ZodType
>

const schema = z
  .strictObject({
    model: z.string().min(1).optional(),
    checkpoint: z.string().min(1).optional(),
    clip: z.string().min(1).optional(),
    decoderHeads: z.int().positive().optional(),
    automatic: z.strictObject(automatic).optional(),
    phrases: z
      .strictObject({
        find: z.array(phrase).min(1).optional(),
        not: z.array(phrase).optional(),
        route: z.enum(['prompt', 'rank']).optional(),
        threshold: fraction.optional(),
        limit: z.int().positive().optional()
      })
      .optional(),
    prompts: z.strictObject({}).optional(),
    output: z
      .strictObject({
        format: z.enum(annotationFormats as readonly [string, ...string[]]),
        shapes: z.enum(['mask', 'polygon']).optional(),
        simplify: z.number().min(0).optional(),
        prefer: z.enum(['first', 'smallest']).optional()
      })
      .optional()
  })
  .refine(({ automatic, phrases, prompts }) => [automatic, phrases, prompts].filter(Boolean).length === 1, {
    error: 'must have exactly one of automatic, phrases, prompts'
  })

/**
 * What to do with each image. Exactly one of:
 * - `automatic`: options of automatic mask generation; `{}` for the defaults of the model.
 * - `phrases`: the objects that phrases describe. `find` is the list for images whose line of the manifest has none.
 * - `prompts`: one object for each prompt in the image's line of the manifest.
 *
 * `model`, `checkpoint`, `clip` and `decoderHeads` are those of the command line. `output` is a format of
 * `@sam/annotations`, which is written beside the records of a finished shard.
 */
export type Job = z.infer<typeof schema>

/** Maximum characters of a job file. */
const sizeLimit = 1 << 20

/**
 * Reads a job file: YAML, of which JSON is a part. Throws `InputError` `E_BAD_OPTION` that names every wrong key.
 * `label` is what messages call the file.
 */
export function parseJob(text: string, label: string): Job {
  if (text.length > sizeLimit) refuse('E_BAD_OPTION', `${label}: a job must have at most ${sizeLimit} characters`)
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 100 })
  } catch (cause) {
    refuse('E_BAD_OPTION', `${label}: must be YAML or JSON: ${(cause as Error).message}`, { cause })
  }
  return checked(schema, value, label)
}

/** A value of a schema, or `E_BAD_OPTION` with one line for each mistake. */
export function checked<T>(type: z.ZodType<T>, value: unknown, label: string): T {
  const { success, data, error } = type.safeParse(value)
  if (success) return data
  const lines = error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`)
  return refuse('E_BAD_OPTION', `${label}: ${lines.map(brief).join('\n')}`)
}
