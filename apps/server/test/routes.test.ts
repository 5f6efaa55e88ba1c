import { decodeImage, Mask, type MaskJson } from '@sam/core'
import { lowResSize } from '@sam/core/model'
import { describe, expect, it } from 'vitest'
import { photo, post, sam, send, tinyServer, upload } from './tiny-server.js'

interface MaskAnswer extends MaskJson {
  readonly polygons?: [number, number][][][]
  readonly png?: string
  readonly logits?: string
}

const prompts = [
  { points: [{ x: 200, y: 150 }] },
  { box: [50, 40, 300, 260] },
  {
    points: [
      { x: 200, y: 150 },
      { x: 20, y: 20, label: 'background' }
    ]
  }
] as const

const masksOf = async (response: Response): Promise<MaskAnswer[][]> => {
  expect(response.status, await response.clone().text()).toBe(200)
  const { predictions } = (await response.json()) as { predictions: { masks: MaskAnswer[] }[] }
  return predictions.map(({ masks }) => masks)
}

describe('images', () => {
  it('have an id by content and model, whoever uploads them', async () => {
    const [server, other] = [await tinyServer(), await tinyServer()]
    const first = await upload(server)
    expect(first).toMatchObject({ model: 'tiny', id: expect.stringMatching(/^tiny-[0-9a-f]{64}$/) as string })
    expect(await upload(other)).toEqual(first)
    const again = await send(server, `/v1/images/${first.id}`)
    expect(await again.json()).toEqual(first)
  })

  it('are encoded once for all who ask at the same time', async () => {
    const server = await tinyServer()
    await Promise.all(Array.from({ length: 8 }, () => upload(server)))
    const metrics = await (await send(server, '/metrics')).text()
    expect(metrics).toContain('sam_image_lookups_total{found="encoded"} 1')
  })

  it('that are not known: 404', async () => {
    const server = await tinyServer()
    const response = await post(server, `/v1/images/tiny-${'0'.repeat(64)}/predict`, { prompts })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'E_NOT_FOUND' } })
  })
})

describe('predict', () => {
  it('gives the masks of the SDK', async () => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const image = await sam.encode(photo)
    const local = await image.predict(prompts)
    const remote = await masksOf(await post(server, `/v1/images/${id}/predict`, { prompts }))
    expect(remote.map(masks => masks.map(({ segmentation }) => segmentation))).toEqual(
      local.map(({ masks }) => masks.map(mask => mask.toCocoRle()))
    )
    expect(remote[0][0]).toMatchObject({ ...local[0].masks[0].toJSON(), token: local[0].tokenIndices[0] })
    image.dispose()
  })

  it('answers as polygons, PNG and logits', async () => {
    const server = await tinyServer()
    const { id, width, height } = await upload(server)
    const of = async (format: string): Promise<MaskAnswer> =>
      (await masksOf(await post(server, `/v1/images/${id}/predict`, { prompts: [prompts[1]], format })))[0][0]
    const mask = Mask.from(await of('rle'))
    expect(Mask.fromPolygons((await of('polygons')).polygons!, { width, height }).iou(mask)).toBe(1)
    const png = await decodeImage(Buffer.from((await of('png')).png!, 'base64'))
    const data = Uint8Array.from({ length: width * height }, (_, i) => png.data[3 * i])
    expect(Mask.fromBitmap({ width, height, data }).iou(mask)).toBe(1)
    const logits = Buffer.from((await of('logits')).logits!, 'base64')
    expect(logits.length).toBe(4 * lowResSize(sam.config) ** 2)
  })

  it('refines a mask, given as RLE or as logits', async () => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const path = `/v1/images/${id}/predict`
    const [[rle]] = await masksOf(await post(server, path, { prompts: [prompts[1]] }))
    const [[logits]] = await masksOf(await post(server, path, { prompts: [prompts[1]], format: 'logits' }))
    const points = [{ x: 200, y: 150 }]
    const image = await sam.encode(photo)
    const [before] = (await image.predict(prompts[1])).masks
    for (const [mask, local] of [
      [rle.segmentation, Mask.from(rle)],
      [{ logits: logits.logits }, before]
    ] as const) {
      const [[refined]] = await masksOf(await post(server, path, { prompts: [{ points, mask }] }))
      const [expected] = (await image.predict({ points, mask: local })).masks
      expect(refined.segmentation).toEqual(expected.toCocoRle())
    }
    image.dispose()
  })

  it.each([
    ['no prompts', { prompts: [] }, 'E_BAD_REQUEST'],
    ['an unknown key', { prompts, pionts: 1 }, 'E_BAD_REQUEST'],
    ['a point outside', { prompts: [{ points: [{ x: -5, y: 1 }] }] }, 'E_BAD_PROMPT'],
    ['an empty prompt', { prompts: [{}] }, 'E_BAD_PROMPT'],
    ['too many prompts', { prompts: Array.from({ length: 65 }, () => prompts[0]) }, 'E_BAD_PROMPT'],
    ['logits of another size', { prompts: [{ mask: { logits: 'AAAAAA==' } }] }, 'E_BAD_PROMPT'],
    ['an RLE of another size', { prompts: [{ mask: { size: [2, 2], counts: '4' } }] }, 'E_BAD_PROMPT']
  ])('refuses %s', async (_, body, code) => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const response = await post(server, `/v1/images/${id}/predict`, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code } })
  })
})

describe('generate', () => {
  it('streams the masks of the SDK, a JSON value on each line', async () => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const options = { pointsPerSide: 4, pointsPerBatch: 4, predIouThresh: 0, stabilityScoreThresh: 0 }
    const response = await post(server, `/v1/images/${id}/generate`, { options })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await response.text()).trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(4)
    const masks = new Map<number, MaskJson>()
    for (const line of lines) {
      const { added, removed } = JSON.parse(line) as { added: (MaskJson & { id: number })[]; removed: number[] }
      for (const gone of removed) masks.delete(gone)
      for (const mask of added) masks.set(mask.id, mask)
    }
    const image = await sam.encode(photo)
    const local = await image.generateMasks(options)
    expect([...masks.values()].map(({ segmentation }) => segmentation.counts).sort()).toEqual(
      local.map(({ mask }) => mask.toCocoRle().counts).sort()
    )
    image.dispose()
  })

  it('reports what fails after the first line in the last one', async () => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const response = await post(server, `/v1/images/${id}/generate`, { options: { pointsPerSide: 1000 } })
    expect(JSON.parse(await response.text())).toMatchObject({ error: { code: 'E_BAD_OPTION' } })
  })
})

describe('query', () => {
  it('finds what the SDK finds', async () => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const response = await post(server, `/v1/images/${id}/query`, { text: 'a red circle', threshold: 0 })
    expect(response.status, await response.clone().text()).toBe(200)
    const { instances } = (await response.json()) as { instances: { score: number; mask: MaskJson }[] }
    const image = await sam.encode(photo)
    const local = await image.query('a red circle', { threshold: 0 })
    expect(instances.length).toBeGreaterThan(0)
    expect(instances.map(({ mask }) => mask.segmentation)).toEqual(local.map(({ mask }) => mask.toCocoRle()))
    image.dispose()
  })
})

describe('embedding', () => {
  it('is the file of the SDK, in half precision on request', async () => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const bytes = async (query: string): Promise<Uint8Array> =>
      new Uint8Array(await (await send(server, `/v1/images/${id}/embedding${query}`)).arrayBuffer())
    const [full, half] = [await bytes(''), await bytes('?precision=half')]
    expect(half.length).toBeLessThan(0.6 * full.length)
    const image = await sam.encode(photo)
    const [expected] = (await image.predict(prompts[1])).masks
    for (const [file, least] of [
      [full, 1],
      [half, 0.99]
    ] as const) {
      const loaded = await sam.load(file)
      const [mask] = (await loaded.predict(prompts[1])).masks
      expect(mask.iou(expected)).toBeGreaterThanOrEqual(least)
      loaded.dispose()
    }
    image.dispose()
  })
})

describe('the description', () => {
  it('lists every route with its schemas', async () => {
    const server = await tinyServer()
    const document = (await (await send(server, '/openapi.json')).json()) as {
      paths: Record<string, unknown>
      components: { schemas: Record<string, unknown> }
    }
    expect(Object.keys(document.paths)).toEqual([
      '/v1/models',
      '/v1/images',
      '/v1/images/{id}',
      '/v1/images/{id}/embedding',
      '/v1/images/{id}/predict',
      '/v1/images/{id}/generate',
      '/v1/images/{id}/query',
      '/label-studio/health',
      '/label-studio/setup',
      '/label-studio/versions',
      '/label-studio/predict',
      '/api/functions',
      '/api/functions/{name}',
      '/api/function_invocations',
      '/sam2/segment_image'
    ])
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Prompt', 'CocoRle', 'Mask', 'Error', 'Image'])
    )
    expect(document).toEqual(server.openapi())
  })

  it('names the models', async () => {
    const server = await tinyServer()
    const { models } = (await (await send(server, '/v1/models')).json()) as { models: unknown[] }
    expect(models).toEqual([
      {
        name: 'tiny',
        encoder: await sam.encoderFingerprint(),
        imageSize: sam.config.imageSize,
        text: true,
        textPrompts: true
      }
    ])
  })
})
