import { createRoute, z } from '@hono/zod-openapi'
import type { HonoRequest } from 'hono'
import { stream } from 'hono/streaming'
import { openWeights } from '@sam/core'
import { storedIn, writeSafetensors } from '@sam/core/model'
import type { App, Service } from './app.js'
import { atMost, checkPixels } from './bodies.js'
import { fetchImage } from './fetch-image.js'
import { errorBody, HttpError, httpError } from './http-error.js'
import { maskAnswer, sdkPrompt } from './mask-answer.js'
import type { ServedModel } from './model.js'
import { maskLines } from './mask-lines.js'
import {
  ErrorAnswer,
  GenerateBody,
  GenerateLine,
  ImageFacts,
  ModelsAnswer,
  PredictAnswer,
  PredictBody,
  QueryAnswer,
  QueryBody,
  UrlBody
} from './schemas.js'

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  content: { 'application/json': { schema } },
  description
})
const body = <T extends z.ZodType>(schema: T) => ({ ...json(schema, ''), required: true }) as const
const errors = { default: json(ErrorAnswer, 'An error, with its code') }
const binary = z.string().openapi({ format: 'binary' })

const ImageParams = z.object({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.]{0,63}-[0-9a-f]{64}$/)
    .openapi({ param: { name: 'id', in: 'path' }, description: 'The id of an uploaded image' })
})

/** The server's own API: each route with the schemas of what it takes and answers. */
export const routes = {
  models: createRoute({
    method: 'get',
    path: '/v1/models',
    summary: 'The models',
    responses: { 200: json(ModelsAnswer, 'The models'), ...errors }
  }),
  upload: createRoute({
    method: 'post',
    path: '/v1/images',
    summary: 'Encode an image: its file as the body, or { url } as JSON',
    request: {
      query: z.object({ model: z.string().optional().openapi({ description: 'Default: the first model' }) }),
      body: {
        content: {
          'application/octet-stream': { schema: binary },
          'image/*': { schema: binary },
          'application/json': { schema: UrlBody }
        }
      }
    },
    responses: { 200: json(ImageFacts, 'The image'), ...errors }
  }),
  image: createRoute({
    method: 'get',
    path: '/v1/images/{id}',
    summary: 'Whether an image is known, and its size',
    request: { params: ImageParams },
    responses: { 200: json(ImageFacts, 'The image'), ...errors }
  }),
  embedding: createRoute({
    method: 'get',
    path: '/v1/images/{id}/embedding',
    summary: 'The image embedding, a file for `Sam.load`',
    request: {
      params: ImageParams,
      query: z.object({ precision: z.enum(['float', 'half']).default('float') })
    },
    responses: {
      200: { content: { 'application/octet-stream': { schema: binary } }, description: 'A safetensors file' },
      ...errors
    }
  }),
  predict: createRoute({
    method: 'post',
    path: '/v1/images/{id}/predict',
    summary: 'Masks for prompts',
    request: { params: ImageParams, body: body(PredictBody) },
    responses: { 200: json(PredictAnswer, 'A prediction for each prompt, its masks best first'), ...errors }
  }),
  generate: createRoute({
    method: 'post',
    path: '/v1/images/{id}/generate',
    summary: 'Masks of all objects, as they are found',
    request: { params: ImageParams, body: body(GenerateBody) },
    responses: {
      200: { content: { 'application/x-ndjson': { schema: GenerateLine } }, description: 'A JSON value on each line' },
      ...errors
    }
  }),
  query: createRoute({
    method: 'post',
    path: '/v1/images/{id}/query',
    summary: 'The objects that a phrase describes',
    request: { params: ImageParams, body: body(QueryBody) },
    responses: { 200: json(QueryAnswer, 'The objects, best first'), ...errors }
  })
} as const

export function addRoutes(app: App, service: Service): void {
  const { cache, limits, models } = service
  const imageOf = (id: string): { model: ServedModel; key: string } => {
    const at = id.lastIndexOf('-')
    return { model: modelOf(service, id.slice(0, at)), key: id.slice(at + 1) }
  }

  app.openapi(routes.models, async c => {
    const list = [...models.values()].map(async ({ name, sam }) => ({
      name,
      encoder: (await sam.encoderFingerprint()) ?? '',
      imageSize: sam.config.imageSize,
      text: sam.text !== undefined,
      textPrompts: sam.textWidth !== undefined
    }))
    return c.json({ models: await Promise.all(list) }, 200)
  })

  app.use('/v1/images', atMost(limits.imageBytes))
  app.openapi(routes.upload, async c => {
    const { signal } = c.get('scope')
    const model = modelOf(service, c.req.valid('query').model)
    const bytes = await uploaded(c.req, service, signal)
    await checkPixels(bytes, limits.pixels, signal)
    const facts = await cache.add(model, bytes, {
      signal,
      work: ({ width, height }, key) => ({ id: `${model.name}-${key}`, model: model.name, width, height })
    })
    return c.json(facts, 200)
  })

  app.openapi(routes.image, async c => {
    const { id } = c.req.valid('param')
    const { model, key } = imageOf(id)
    const { signal } = c.get('scope')
    const facts = await cache.use(model, key, { signal, work: ({ width, height }) => ({ width, height }) })
    return c.json({ id, model: model.name, ...facts }, 200)
  })

  app.openapi(routes.embedding, async c => {
    const { model, key } = imageOf(c.req.valid('param').id)
    const { signal } = c.get('scope')
    const bytes = await cache.use(model, key, { signal, work: image => image.save() })
    const file = c.req.valid('query').precision === 'half' ? await halved(bytes) : bytes
    return c.body(file as Uint8Array<ArrayBuffer>, 200, { 'content-type': 'application/octet-stream' })
  })

  app.use('/v1/images/:id/*', atMost(limits.jsonBytes))
  app.openapi(routes.predict, async c => {
    const { model, key } = imageOf(c.req.valid('param').id)
    const { prompts, format, smooth, simplify, ...options } = c.req.valid('json')
    checkCount(prompts.length, limits.prompts)
    const { signal } = c.get('scope')
    const predictions = await cache.use(model, key, {
      signal,
      slots: model.decodes,
      work: async image => {
        const found = await image.predict(prompts.map(sdkPrompt), { ...options, signal })
        return Promise.all(
          found.map(async ({ masks, tokenIndices }) => ({
            masks: await Promise.all(
              masks.map((mask, i) => maskAnswer(mask, { format, smooth, simplify }, tokenIndices[i]))
            )
          }))
        )
      }
    })
    return c.json({ predictions }, 200)
  })

  app.openapi(routes.generate, async c => {
    const { model, key } = imageOf(c.req.valid('param').id)
    const { options, ...format } = c.req.valid('json')
    const scope = c.get('scope')
    const { signal } = scope
    // The status is sent before the first mask: what is known to fail must fail before.
    model.generates.checkRoom()
    const photo = (options.cropNLayers ?? 0) > 0
    await cache.use(model, key, { photo, signal, work: () => {} })
    c.header('content-type', 'application/x-ndjson')
    return stream(c, async out => {
      const send = async (line: unknown): Promise<void> => void (await out.write(`${JSON.stringify(line)}\n`))
      out.onAbort(() => scope.abort(new HttpError(499 as 400, 'E_BAD_REQUEST', 'the client has left')))
      scope.streamed = cache
        .use(model, key, {
          photo,
          signal,
          slots: model.generates,
          work: async image => {
            const updates = image.streamMasks({ ...model.automatic, ...options, signal })
            for await (const line of maskLines(updates, format)) await send(line)
          }
        })
        .catch((error: unknown) => {
          const known = httpError(error)
          if (known.status >= 500) scope.log.error({ error })
          return send(errorBody(known))
        })
      await scope.streamed
    }) as never // the type of a stream's answer is not known to the table of routes
  })

  app.openapi(routes.query, async c => {
    const { model, key } = imageOf(c.req.valid('param').id)
    const { text, format, smooth, simplify, automatic, ...options } = c.req.valid('json')
    const { signal } = c.get('scope')
    const instances = await cache.use(model, key, {
      photo: true,
      signal,
      slots: model.generates,
      work: async image => {
        const found = await image.query(text, { ...options, automatic: { ...model.automatic, ...automatic }, signal })
        return Promise.all(
          found.map(async ({ score, mask }) => ({
            score,
            mask: await maskAnswer(mask, { format, smooth, simplify })
          }))
        )
      }
    })
    return c.json({ instances }, 200)
  })
}

/** The model of a name, or the first one. Throws 404. */
export function modelOf({ models }: Service, name?: string): ServedModel {
  const [first] = models.values()
  const model = name === undefined ? first : models.get(name)
  if (!model) throw new HttpError(404, 'E_NOT_FOUND', `no such model; there are: ${[...models.keys()].join(', ')}`)
  return model
}

export function checkCount(prompts: number, limit: number): void {
  if (prompts > limit)
    throw new HttpError(
      400,
      'E_BAD_PROMPT',
      `prompts: must be at most ${limit}, found ${prompts}; send the rest in another request`
    )
}

/** The file in a body, or of the URL in it. */
async function uploaded(
  request: HonoRequest,
  { fetchRules, limits }: Service,
  signal: AbortSignal
): Promise<Uint8Array> {
  const type = (request.header('content-type') ?? '').split(';')[0].trim().toLowerCase()
  if (type === 'application/json') {
    const { url } = UrlBody.parse(await request.json())
    return fetchImage(url, fetchRules, { maxBytes: limits.imageBytes, signal })
  }
  if (type === 'application/octet-stream' || type.startsWith('image/'))
    return new Uint8Array(await request.arrayBuffer())
  throw new HttpError(
    415,
    'E_MEDIA_TYPE',
    'the body must be an image file (content-type image/… or application/octet-stream) or JSON with its url'
  )
}

/** An embedding file with float16 values: half the size, and good enough for the decoder. */
async function halved(bytes: Uint8Array): Promise<Uint8Array> {
  const source = storedIn(await openWeights(bytes), 'F16')
  const chunks: Uint8Array[] = []
  for await (const chunk of writeSafetensors(source)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
