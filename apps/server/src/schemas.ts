import { z } from '@hono/zod-openapi'
import { maxPoints } from '@sam/core/model'

/** The bodies of requests and answers: checks, types and OpenAPI at once. Coordinates are pixels of the image. */

const finite = z.number()

const Point = z.strictObject({
  x: finite,
  y: finite,
  label: z.enum(['foreground', 'background']).exactOptional().openapi({ description: 'Default: foreground' })
})

export const CocoRle = z
  .strictObject({
    size: z.tuple([z.number(), z.number()]).openapi({ description: '[height, width]' }),
    counts: z.string()
  })
  .openapi('CocoRle', { description: 'A compressed COCO RLE, as in pycocotools' })

const Logits = z
  .strictObject({ logits: z.base64() })
  .openapi('Logits', { description: 'Low-resolution logits, little-endian float32: `logits` of an earlier mask' })

export const Prompt = z
  .strictObject({
    points: z.array(Point).max(maxPoints).optional(),
    box: z.tuple([finite, finite, finite, finite]).optional().openapi({ description: '[x0, y0, x1, y1]' }),
    mask: z.union([CocoRle, Logits]).optional().openapi({ description: 'A mask to refine, of the size of the image' }),
    text: z.string().max(2000).optional().openapi({ description: 'A phrase, for models with a text projection' })
  })
  .openapi('Prompt', { description: 'Any combination of these, at least one, all for the same object' })

const format = z
  .enum(['rle', 'polygons', 'png', 'logits'])
  .default('rle')
  .openapi({ description: 'rle: COCO RLE. polygons: with holes. png: base64. logits: the decoder’s own, base64' })

const polygonOptions = {
  smooth: z.boolean().optional().openapi({ description: 'polygons: along the contour of the logits' }),
  simplify: z.number().min(0).optional().openapi({ description: 'polygons: tolerance in pixels' })
}

export const PredictBody = z
  .strictObject({
    prompts: z.array(Prompt).min(1),
    multimask: z.union([z.literal('auto'), z.boolean()]).optional(),
    best: z.boolean().optional().openapi({ description: 'Only the best mask of each prompt' }),
    maskThreshold: finite.optional(),
    format,
    ...polygonOptions
  })
  .openapi('PredictBody')

const overlap = z.strictObject({ iou: finite.exactOptional(), containment: finite.exactOptional() })

export const AutomaticOptions = z
  .strictObject({
    pointsPerSide: z.number().int().optional(),
    pointsPerBatch: z.number().int().optional(),
    predIouThresh: finite.optional(),
    stabilityScoreThresh: finite.optional(),
    stabilityScoreOffset: finite.optional(),
    maskThreshold: finite.optional(),
    boxNmsThresh: finite.optional(),
    cropNLayers: z.number().int().optional(),
    cropNmsThresh: finite.optional(),
    cropOverlapRatio: finite.optional(),
    cropNPointsDownscaleFactor: finite.optional(),
    minMaskRegionArea: z.number().int().optional(),
    maxArea: finite.optional(),
    overlap: overlap.optional()
  })
  .openapi('AutomaticOptions', { description: 'Options of automatic mask generation, with Meta’s defaults' })

export const GenerateBody = z
  .strictObject({ options: AutomaticOptions.default({}), format, ...polygonOptions })
  .openapi('GenerateBody')

export const QueryBody = z
  .strictObject({
    text: z.string().max(2000),
    route: z.enum(['prompt', 'rank']).optional(),
    limit: finite.optional(),
    threshold: finite.optional(),
    not: z.array(z.string().max(2000)).max(maxPoints).optional(),
    points: z.array(Point).max(maxPoints).optional(),
    automatic: AutomaticOptions.optional(),
    overlap: overlap.optional(),
    format,
    ...polygonOptions
  })
  .openapi('QueryBody')

export const UrlBody = z.strictObject({ url: z.url().max(4096) }).openapi('UrlBody')

export const ImageFacts = z
  .object({
    id: z.string(),
    model: z.string(),
    width: z.number(),
    height: z.number()
  })
  .openapi('Image')

const Ring = z.array(z.tuple([z.number(), z.number()]))

export const MaskAnswer = z
  .object({
    predicted_iou: z.number(),
    area: z.number(),
    bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]).openapi({ description: '[x, y, width, height]' }),
    stability_score: z.number().optional(),
    segmentation: CocoRle.optional(),
    polygons: z.array(z.array(Ring)).optional(),
    png: z.string().optional(),
    logits: z.string().optional(),
    threshold: z.number().optional(),
    token: z.number().optional().openapi({ description: 'The mask token that predicted it' })
  })
  .openapi('Mask')

export const PredictAnswer = z
  .object({ predictions: z.array(z.object({ masks: z.array(MaskAnswer) })) })
  .openapi('Predictions')

export const QueryAnswer = z
  .object({ instances: z.array(z.object({ score: z.number(), mask: MaskAnswer })) })
  .openapi('Instances')

const AutomaticMask = MaskAnswer.extend({
  id: z.number(),
  point: z.tuple([z.number(), z.number()]),
  crop: z.tuple([z.number(), z.number(), z.number(), z.number()])
})

/** A line of the stream of `generate`. */
export const GenerateLine = z
  .union([
    z.object({
      added: z.array(AutomaticMask),
      removed: z.array(z.number()),
      done: z.number(),
      total: z.number()
    }),
    z.object({ error: z.object({ code: z.string(), message: z.string() }) })
  ])
  .openapi('GenerateLine')

export const ErrorAnswer = z.object({ error: z.object({ code: z.string(), message: z.string() }) }).openapi('Error')

export const ModelsAnswer = z
  .object({
    models: z.array(
      z.object({
        name: z.string(),
        encoder: z.string(),
        imageSize: z.number(),
        text: z.boolean(),
        textPrompts: z.boolean()
      })
    )
  })
  .openapi('Models')

export type MaskFormat = Pick<z.infer<typeof PredictBody>, 'format' | 'smooth' | 'simplify'>
