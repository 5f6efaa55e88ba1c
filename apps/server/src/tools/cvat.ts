import { createRoute, z } from '@hono/zod-openapi'
import type { Prompt } from '@sam/core'
import { signedArea } from '@sam/core/model'
import type { App, Service } from '../app.js'
import { atMost, checkPixels } from '../bodies.js'
import { HttpError } from '../http-error.js'
import type { ServedModel } from '../model.js'

/**
 * What CVAT asks of Nuclio, which runs its functions: a list of them, and the call of one. CVAT with this server in the
 * place of Nuclio's dashboard shows each model as an interactor.
 */

const position = z.tuple([z.number(), z.number()])
const Call = z
  .looseObject({
    image: z.base64().openapi({ description: 'The file of the image' }),
    pos_points: z.array(position).max(1024).nullish(),
    neg_points: z.array(position).max(1024).nullish(),
    obj_bbox: z.array(position).max(2).nullish().openapi({ description: 'Two corners' })
  })
  .openapi('CvatCall')

const Answer = z
  .object({
    mask: z.array(z.array(z.number())).openapi({ description: 'Rows of the image, 255 inside' }),
    points: z.array(position).openapi({ description: 'The outline of the largest part' })
  })
  .openapi('CvatAnswer')

const Functions = z.looseObject({}).openapi('CvatFunctions')
const description = 'As CVAT expects'
const listed = { 200: { content: { 'application/json': { schema: Functions } }, description } }

const routes = {
  list: createRoute({ method: 'get', path: '/api/functions', responses: listed }),
  one: createRoute({
    method: 'get',
    path: '/api/functions/{name}',
    request: { params: z.object({ name: z.string().max(128) }) },
    responses: listed
  }),
  call: createRoute({
    method: 'post',
    path: '/api/function_invocations',
    request: {
      headers: z.looseObject({ 'x-nuclio-function-name': z.string().max(128).optional() }),
      body: { content: { 'application/json': { schema: Call } }, required: true }
    },
    responses: { 200: { content: { 'application/json': { schema: Answer } }, description } }
  })
} as const

export function addCvat(app: App, service: Service): void {
  const { cache, limits, models } = service
  /** The model of a function's name. */
  const named = (name: string | undefined): ServedModel => {
    const model = [...models.values()].find(one => name === undefined || id(one.name) === name)
    if (!model)
      throw new HttpError(404, 'E_NOT_FOUND', `no such function; there are: ${[...models.keys()].map(id).join(', ')}`)
    return model
  }
  app.openapi(routes.list, c =>
    c.json(Object.fromEntries([...models.keys()].map(name => [id(name), about(name)])), 200)
  )
  app.openapi(routes.one, c => c.json(about(named(c.req.valid('param').name).name), 200))

  // An image as base64 is a third larger.
  app.use('/api/function_invocations', atMost(Math.ceil((limits.imageBytes * 4) / 3) + limits.jsonBytes))
  app.openapi(routes.call, async c => {
    const model = named(c.req.header('x-nuclio-function-name'))
    const { image: base64, pos_points: inside, neg_points: outside, obj_bbox: box } = c.req.valid('json')
    const { signal } = c.get('scope')
    const bytes = Buffer.from(base64, 'base64')
    await checkPixels(bytes, limits.pixels, signal)
    const prompt: Prompt = {
      points: [
        ...(inside ?? []).map(([x, y]) => ({ x, y })),
        ...(outside ?? []).map(([x, y]) => ({ x, y, label: 'background' as const }))
      ],
      ...(box?.length === 2 && { box: boxOf(box) })
    }
    const answer = await cache.add(model, bytes, {
      signal,
      slots: model.decodes,
      work: async image => {
        const [mask] = (await image.predict(prompt, { signal })).masks
        const bits = mask.bitmap({ keep: false })
        const row = (y: number): number[] =>
          Array.from(bits.subarray(y * mask.width, (y + 1) * mask.width), inside => 255 * inside)
        const [largest] = mask
          .toPolygons({ simplify: 1 })
          .map(([ring]) => ring)
          .sort((a, b) => Math.abs(signedArea(b)) - Math.abs(signedArea(a)))
        return {
          mask: Array.from({ length: mask.height }, (_, y) => row(y)),
          points: (largest ?? []).slice(0, -1).map(([x, y]): [number, number] => [x, y])
        }
      }
    })
    return c.json(answer, 200)
  })
}

/** Nuclio's names have no dots or underscores. */
const id = (name: string): string => `sam-${name.replace(/[._]/g, '-')}`

const about = (name: string): object => ({
  metadata: {
    name: id(name),
    annotations: {
      name: `Segment Anything (${name})`,
      type: 'interactor',
      version: '2',
      spec: '',
      framework: 'onnx',
      min_pos_points: '1',
      min_neg_points: '0',
      startswith_box_optional: 'true',
      help_message: 'Click on the object; click with the right button on what does not belong to it.'
    }
  },
  spec: { description: 'Segment Anything in TypeScript' },
  status: { state: 'ready', httpPort: 0 }
})

const boxOf = ([[ax, ay], [bx, by]]: [number, number][]): [number, number, number, number] => [
  Math.min(ax, bx),
  Math.min(ay, by),
  Math.max(ax, bx),
  Math.max(ay, by)
]
