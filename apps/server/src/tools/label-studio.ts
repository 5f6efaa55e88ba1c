import { createRoute, z } from '@hono/zod-openapi'
import { readAnnotations, writeAnnotations } from '@sam/annotations'
import type { Mask, Point, Prompt } from '@sam/core'
import type { App, Service } from '../app.js'
import { atMost, checkPixels } from '../bodies.js'
import { refuse, shown } from '@sam/core/graph'
import { fetchImage, type FetchRules } from '../fetch-image.js'
import { HttpError } from '../http-error.js'
import { modelOf } from '../routes.js'
import { readLabelConfig, type Control, type LabelConfig } from './label-config.js'

/**
 * Label Studio's protocol for ML backends, below `/label-studio`: what its interactive tools send, clicks, boxes and
 * brushes, becomes one prompt; the answer is a brush mask or a polygon, by what the project has.
 */

export interface LabelStudioOptions {
  /** Where Label Studio runs, for tasks whose images it has: `http://localhost:8080`. */
  readonly url: string
  /** A legacy token of a user who may read the images. */
  readonly token?: string
}

/** The rules by which the images of a Label Studio may be fetched as well. Throws `E_BAD_OPTION`. */
export function withLabelStudio(rules: FetchRules, labelStudio: LabelStudioOptions | undefined): FetchRules {
  if (!labelStudio) return rules
  const { url, token } = labelStudio
  if (!URL.canParse(url)) refuse('E_BAD_OPTION', `labelStudio: url must be its address, found ${shown(url)}`)
  const { origin } = new URL(url)
  const headers =
    token === undefined ? rules.headers : { ...rules.headers, [origin]: { authorization: `Token ${token}` } }
  return { ...rules, internalOrigins: [...(rules.internalOrigins ?? []), origin], ...(headers && { headers }) }
}

const percent = z.number()
const Region = z.looseObject({
  type: z.string().max(64),
  to_name: z.string().max(256).optional(),
  original_width: z.number().optional(),
  original_height: z.number().optional(),
  image_rotation: z.number().optional(),
  is_positive: z.union([z.boolean(), z.number()]).optional(),
  value: z.looseObject({
    x: percent.optional(),
    y: percent.optional(),
    width: percent.optional(),
    height: percent.optional(),
    rle: z.array(z.number()).optional()
  })
})

const PredictBody = z
  .looseObject({
    tasks: z.array(z.looseObject({ data: z.looseObject({}) })).max(1000),
    label_config: z
      .string()
      .max(1 << 20)
      .optional(),
    params: z
      .looseObject({ context: z.looseObject({ result: z.array(Region).max(1024).optional() }).nullish() })
      .nullish()
  })
  .openapi('LabelStudioPredict')

const Loose = z.looseObject({}).openapi('LabelStudioMessage')
const answer = { 200: { content: { 'application/json': { schema: Loose } }, description: 'As Label Studio expects' } }
const message = { body: { content: { 'application/json': { schema: Loose } }, required: false } } as const

const routes = {
  health: createRoute({ method: 'get', path: '/label-studio/health', responses: answer }),
  setup: createRoute({ method: 'post', path: '/label-studio/setup', request: message, responses: answer }),
  versions: createRoute({ method: 'get', path: '/label-studio/versions', responses: answer }),
  predict: createRoute({
    method: 'post',
    path: '/label-studio/predict',
    request: { body: { content: { 'application/json': { schema: PredictBody } }, required: true } },
    responses: answer
  })
} as const

export function addLabelStudio(app: App, service: Service, labelStudio: LabelStudioOptions | undefined): void {
  const version = (): string => modelOf(service).name
  app.use('/label-studio/*', atMost(service.limits.jsonBytes))
  app.openapi(routes.health, c => c.json({ status: 'UP', model_class: 'SegmentAnything' }, 200))
  app.openapi(routes.setup, c => c.json({ model_version: version() }, 200))
  app.openapi(routes.versions, c => c.json({ versions: [version()] }, 200))
  app.openapi(routes.predict, async c => {
    const { tasks, label_config: xml = '<View/>', params } = c.req.valid('json')
    const regions = params?.context?.result ?? []
    const config = readLabelConfig(xml)
    const { signal } = c.get('scope')
    // Without a click there is nothing to answer: Label Studio asks this way for predictions of all tasks.
    if (!regions.length)
      return c.json({ results: tasks.map(() => ({ result: [], score: 0, model_version: version() })) }, 200)
    const { control, image: imageName } = targetOf(config, regions)
    const results = []
    for (const { data } of tasks) {
      const bytes = await imageOf(data, config.images.get(imageName), { service, labelStudio, signal })
      results.push(await predict(service, { bytes, regions, control, signal }))
    }
    return c.json({ results }, 200)
  })
}

type Regions = readonly z.infer<typeof Region>[]

/** The tag that gets the mask, and the image that was clicked. Throws 400 where the project has no such tag. */
function targetOf({ controls, images }: LabelConfig, regions: Regions): { control: Control; image: string } {
  const image = regions[0].to_name ?? images.keys().next().value ?? ''
  const ofImage = controls.filter(({ toName }) => toName === image)
  const control =
    ofImage.find(({ tag }) => /^Brush(?:Labels)?$/.test(tag)) ??
    ofImage.find(({ tag }) => /^Polygon(?:Labels)?$/.test(tag))
  if (control) return { control, image }
  throw new HttpError(400, 'E_BAD_REQUEST', 'label_config: must have BrushLabels or PolygonLabels for the image')
}

/** The file of a task's image. */
async function imageOf(
  data: Readonly<Record<string, unknown>>,
  key: string | undefined,
  {
    service: { fetchRules, limits },
    labelStudio,
    signal
  }: { service: Service; labelStudio: LabelStudioOptions | undefined; signal: AbortSignal }
): Promise<Uint8Array> {
  const address = data[key ?? 'image']
  if (typeof address !== 'string')
    throw new HttpError(400, 'E_BAD_REQUEST', 'tasks: data must have the address of the image')
  const inline = /^data:image\/[a-z0-9.+-]+;base64,/i.exec(address)
  if (inline) return Buffer.from(address.slice(inline[0].length), 'base64')
  if (!labelStudio && address.startsWith('/'))
    throw new HttpError(
      400,
      'E_BAD_REQUEST',
      'tasks: the image is in Label Studio, whose address the server does not know'
    )
  const url = labelStudio ? new URL(address, labelStudio.url).href : address
  return fetchImage(url, fetchRules, { maxBytes: limits.imageBytes, signal })
}

interface Clicked {
  readonly bytes: Uint8Array
  readonly regions: Regions
  readonly control: Control
  readonly signal: AbortSignal
}

async function predict(service: Service, { bytes, regions, control, signal }: Clicked): Promise<object> {
  const model = modelOf(service)
  await checkPixels(bytes, service.limits.pixels, signal)
  return service.cache.add(model, bytes, {
    signal,
    slots: model.decodes,
    work: async image => {
      const prompt = await promptOf(regions, image)
      const [mask] = (await image.predict(prompt, { signal })).masks
      const result = mask.area ? [resultOf(mask, control, labelOf(regions))] : []
      return { result, score: mask.predictedIou, model_version: model.name }
    }
  })
}

/** Throws 400 for a region of another kind, or on a rotated image. */
async function promptOf(regions: Regions, { width, height }: { width: number; height: number }): Promise<Prompt> {
  const points: Point[] = []
  let prompt: Prompt = {}
  for (const region of regions) {
    const { type, value, is_positive: positive = true, image_rotation: rotation = 0 } = region
    if (rotation !== 0) throw new HttpError(400, 'E_BAD_REQUEST', 'context: the image must not be rotated')
    const [x, y] = [((value.x ?? 0) / 100) * width, ((value.y ?? 0) / 100) * height]
    if (/^keypoint/.test(type)) points.push({ x, y, label: positive ? 'foreground' : 'background' })
    else if (/^rectangle/.test(type)) {
      const [w, h] = [((value.width ?? 0) / 100) * width, ((value.height ?? 0) / 100) * height]
      prompt = { ...prompt, box: [x, y, x + w, y + h] }
    } else if (/^brush/.test(type)) prompt = { ...prompt, mask: await brushOf(region, { width, height }) }
    else throw new HttpError(400, 'E_BAD_REQUEST', 'context: a region must be a keypoint, a rectangle or a brush mask')
  }
  return points.length ? { ...prompt, points } : prompt
}

/** A brush mask, read as a task with this one region. */
async function brushOf(region: Regions[number], size: { width: number; height: number }): Promise<Mask> {
  const task = { data: { image: 'image', ...size }, annotations: [{ result: [{ id: 'brush', ...region }] }] }
  const files = new Map([['task.json', Buffer.from(JSON.stringify([task]))]])
  const [{ objects }] = await readAnnotations(files, { format: 'label-studio' })
  return objects[0].mask
}

const labelOf = (regions: Regions): string | undefined => {
  for (const { type, value } of regions) {
    const labels = value[type] ?? value.labels
    if (Array.isArray(labels) && typeof labels[0] === 'string') return labels[0]
  }
  return undefined
}

/** The region of a mask, as @sam/annotations writes it, for the tag of the project. */
function resultOf(mask: Mask, { tag, name, toName }: Control, label: string | undefined): object {
  const { width, height, predictedIou: score } = mask
  const files = writeAnnotations(
    [{ file: 'image', width, height, objects: [{ id: crypto.randomUUID(), mask, score }] }],
    {
      format: 'label-studio',
      shapes: tag.startsWith('Polygon') ? 'polygon' : 'mask',
      simplify: 1
    }
  )
  const [{ predictions }] = JSON.parse(Buffer.from(files.get('tasks.json')!).toString()) as [
    { predictions: [{ result: [{ type: string; value: Record<string, unknown> }] }] }
  ]
  const [region] = predictions[0].result
  const value = Object.fromEntries(Object.entries(region.value).filter(([key]) => key !== region.type))
  const type = tag.toLowerCase()
  return {
    ...region,
    from_name: name,
    to_name: toName,
    type,
    value: { ...value, ...(label !== undefined && tag.endsWith('Labels') && { [type]: [label] }) },
    readonly: false
  }
}
