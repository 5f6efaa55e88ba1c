import { createRoute, z } from '@hono/zod-openapi'
import type { Mask, Prompt } from '@sam/core'
import type { App, Service } from '../app.js'
import { atMost, checkPixels } from '../bodies.js'
import { fetchImage } from '../fetch-image.js'
import { checkCount, modelOf } from '../routes.js'

/**
 * The route that `sam2_segment_image` of Roboflow's inference SDK calls. It uses the first model, whatever version of
 * SAM 2 the request names.
 */

const RoboflowPrompt = z.looseObject({
  points: z
    .array(z.looseObject({ x: z.number(), y: z.number(), positive: z.boolean() }))
    .max(1024)
    .nullish(),
  box: z
    .looseObject({ x: z.number(), y: z.number(), width: z.number().min(0), height: z.number().min(0) })
    .nullish()
    .openapi({ description: 'Its centre and size' })
})
const prompts = z.array(RoboflowPrompt).min(1)

const Body = z
  .looseObject({
    image: z.discriminatedUnion('type', [
      z.looseObject({ type: z.literal('base64'), value: z.base64() }),
      z.looseObject({ type: z.literal('url'), value: z.url().max(4096) })
    ]),
    prompts: z.union([prompts, z.looseObject({ prompts })]),
    multimask_output: z.boolean().default(true),
    format: z.enum(['json', 'rle']).default('json')
  })
  .openapi('RoboflowSegment')

const Answer = z
  .object({
    predictions: z.array(
      z.object({
        masks: z
          .union([z.array(z.array(z.array(z.number()))), z.object({ size: z.array(z.number()), counts: z.string() })])
          .openapi({ description: 'json: the outline of each part. rle: COCO RLE' }),
        confidence: z.number(),
        format: z.enum(['polygon', 'rle'])
      })
    ),
    time: z.number().openapi({ description: 'Seconds' })
  })
  .openapi('RoboflowSegmentation')

const route = createRoute({
  method: 'post',
  path: '/sam2/segment_image',
  request: { body: { content: { 'application/json': { schema: Body } }, required: true } },
  responses: { 200: { content: { 'application/json': { schema: Answer } }, description: 'As Roboflow’s SDK expects' } }
})

export function addRoboflow(app: App, service: Service): void {
  const { cache, fetchRules, limits } = service
  // An image as base64 is a third larger.
  app.use(route.path, atMost(Math.ceil((limits.imageBytes * 4) / 3) + limits.jsonBytes))
  app.openapi(route, async c => {
    const start = performance.now()
    const { image, prompts: given, multimask_output: multimask, format } = c.req.valid('json')
    const list = Array.isArray(given) ? given : given.prompts
    checkCount(list.length, limits.prompts)
    const { signal } = c.get('scope')
    const bytes =
      image.type === 'url'
        ? await fetchImage(image.value, fetchRules, { maxBytes: limits.imageBytes, signal })
        : Buffer.from(image.value, 'base64')
    await checkPixels(bytes, limits.pixels, signal)
    const model = modelOf(service)
    const predictions = await cache.add(model, bytes, {
      signal,
      slots: model.decodes,
      work: async encoded => {
        const found = await encoded.predict(list.map(promptOf), { multimask, best: true, signal })
        return found.map(({ masks: [mask] }) => ({ ...masksOf(mask, format), confidence: mask.predictedIou }))
      }
    })
    return c.json({ predictions, time: (performance.now() - start) / 1000 }, 200)
  })
}

function masksOf(mask: Mask, format: 'json' | 'rle') {
  if (format === 'json') {
    const outlines = mask.toPolygons().map(([ring]) => ring.slice(0, -1).map(([x, y]) => [x, y]))
    return { masks: outlines, format: 'polygon' as const }
  }
  const { size, counts } = mask.toCocoRle()
  return { masks: { size: [...size], counts }, format: 'rle' as const }
}

function promptOf({ points, box }: z.infer<typeof RoboflowPrompt>): Prompt {
  return {
    ...(points?.length && {
      points: points.map(({ x, y, positive }) => ({ x, y, label: positive ? 'foreground' : 'background' }))
    }),
    ...(box && {
      box: [box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2]
    })
  }
}
