import { createServer as createHttp } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readAnnotations } from '@sam/annotations'
import { Mask } from '@sam/core'
import { afterAll, describe, expect, it } from 'vitest'
import { photo, post, sam, send, tinyServer } from './tiny-server.js'

const image = await sam.encode(photo)
afterAll(() => image.dispose())

const data = `data:image/jpeg;base64,${Buffer.from(photo).toString('base64')}`
const config = (tag: string): string => `<View>
  <Image name="img" value="$picture" zoom="true"/>
  <${tag} name="mask" toName="img"><Label value="Disc" background="#f00"/></${tag}>
  <KeyPointLabels name="click" toName="img" smart="true"><Label value="Disc"/></KeyPointLabels>
</View>`

interface Region {
  readonly type: string
  readonly value: Record<string, unknown>
  readonly original_width: number
}
interface Answer {
  readonly results: readonly {
    readonly result: readonly Region[]
    readonly score: number
    readonly model_version: string
  }[]
}

describe('Label Studio', () => {
  const percent = (x: number, y: number): { x: number; y: number } => ({
    x: (100 * x) / image.width,
    y: (100 * y) / image.height
  })
  const shared = { to_name: 'img', image_rotation: 0 }
  const click = (x: number, y: number, positive = true): object => ({
    ...shared,
    type: 'keypointlabels',
    from_name: 'click',
    is_positive: positive,
    value: { ...percent(x, y), width: 0.3, keypointlabels: ['Disc'] }
  })
  const box = (x0: number, y0: number, x1: number, y1: number): object => {
    const { x: width, y: height } = percent(x1 - x0, y1 - y0)
    return {
      ...shared,
      type: 'rectanglelabels',
      value: { ...percent(x0, y0), width, height, rectanglelabels: ['Disc'] }
    }
  }
  const predict = async (
    result: readonly object[],
    { tag = 'BrushLabels', picture = data, server = tinyServer() } = {}
  ): Promise<Answer> => {
    const body = { tasks: [{ id: 1, data: { picture } }], label_config: config(tag), params: { context: { result } } }
    const response = await post(await server, '/label-studio/predict', body)
    expect(response.status, await response.clone().text()).toBe(200)
    return (await response.json()) as Answer
  }
  /** The mask of an answer, as Label Studio would export it. */
  const maskOf = async ({ results }: Answer): Promise<Mask> => {
    const tasks = [{ data: { image: 'x' }, annotations: [{ result: results[0].result }] }]
    const files = new Map([['tasks.json', Buffer.from(JSON.stringify(tasks))]])
    return (await readAnnotations(files, { format: 'label-studio' }))[0].objects[0].mask
  }

  it('clicks and a box become a brush mask, with the label that was chosen', async () => {
    const points = [
      { x: 200, y: 150 },
      { x: 20, y: 20, label: 'background' as const }
    ]
    const answer = await predict([click(200, 150), click(20, 20, false), box(50, 40, 300, 260)])
    const [wanted] = (await image.predict({ points, box: [50, 40, 300, 260] })).masks
    expect(answer.results[0]).toMatchObject({ score: wanted.predictedIou, model_version: 'tiny' })
    expect(answer.results[0].result[0]).toMatchObject({
      type: 'brushlabels',
      from_name: 'mask',
      to_name: 'img',
      original_width: image.width,
      original_height: image.height,
      value: { format: 'rle', brushlabels: ['Disc'] }
    })
    expect((await maskOf(answer)).toCocoRle()).toEqual(wanted.toCocoRle())
  })

  it('a project with polygons gets a polygon', async () => {
    const answer = await predict([box(50, 40, 300, 260)], { tag: 'PolygonLabels' })
    const [wanted] = (await image.predict({ box: [50, 40, 300, 260] })).masks
    expect(answer.results[0].result[0]).toMatchObject({ type: 'polygonlabels', value: { polygonlabels: ['Disc'] } })
    expect((await maskOf(answer)).iou(wanted)).toBeGreaterThan(0.9) // outlines are simplified by up to a pixel
  })

  it('a brush mask is refined', async () => {
    const before = await predict([box(50, 40, 300, 260)])
    const answer = await predict([...before.results[0].result, click(200, 150)])
    const mask = await maskOf(before)
    const [wanted] = (await image.predict({ mask, points: [{ x: 200, y: 150 }] })).masks
    expect((await maskOf(answer)).toCocoRle()).toEqual(wanted.toCocoRle())
  })

  it('fetches the images that it has, with its token and only there', async () => {
    const asked: (string | undefined)[] = []
    const http = createHttp(({ headers, url }, response) => {
      asked.push(headers.authorization)
      if (url === '/data/upload/1.jpg') response.end(photo)
      else response.writeHead(302, { location: `http://127.0.0.1:${port}/data/upload/1.jpg` }).end()
    })
    await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
    const { port } = http.address() as AddressInfo
    const url = `http://localhost:${port}`
    const server = tinyServer({
      labelStudio: { url, token: 'secret' },
      fetch: { internalOrigins: [`http://127.0.0.1:${port}`] }
    })
    await predict([click(200, 150)], { picture: '/data/upload/1.jpg', server })
    await predict([click(200, 150)], { picture: '/elsewhere', server })
    expect(asked).toEqual(['Token secret', 'Token secret', undefined])
    http.close()
  })

  it('answers what is asked when it connects', async () => {
    const server = await tinyServer()
    expect(await (await send(server, '/label-studio/health')).json()).toMatchObject({ status: 'UP' })
    const setup = await post(server, '/label-studio/setup', { project: '1.1', schema: '<View/>', hostname: 'http://x' })
    expect(await setup.json()).toEqual({ model_version: 'tiny' })
    expect(await (await send(server, '/label-studio/versions')).json()).toEqual({ versions: ['tiny'] })
    const tasks = [
      { id: 1, data: {} },
      { id: 2, data: {} }
    ]
    const all = (await (await post(server, '/label-studio/predict', { tasks })).json()) as Answer
    expect(all.results.map(({ result }) => result)).toEqual([[], []])
  })

  it.each([
    ['a configuration that is no XML', { label_config: '<View' }],
    ['a configuration with entities', { label_config: '<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>' }],
    ['a project without masks', { label_config: '<View><Image name="img" value="$picture"/></View>' }],
    ['a task without an image', { tasks: [{ data: {} }] }],
    ['an image of an unknown Label Studio', { tasks: [{ data: { picture: '/data/1.jpg' } }] }],
    ['an ellipse', { params: { context: { result: [{ ...shared, type: 'ellipselabels', value: {} }] } } }],
    ['a rotated image', { params: { context: { result: [{ ...click(9, 9), image_rotation: 90 }] } } }]
  ])('refuses %s', async (_, part) => {
    const body = {
      tasks: [{ data: { picture: data } }],
      label_config: config('BrushLabels'),
      params: { context: { result: [click(200, 150)] } },
      ...part
    }
    const response = await post(await tinyServer(), '/label-studio/predict', body)
    expect(response.status).toBe(400)
  })
})

describe('CVAT', () => {
  it('lists the models as interactors, as Nuclio does', async () => {
    const server = await tinyServer()
    const list = (await (await send(server, '/api/functions')).json()) as Record<string, { metadata: { name: string } }>
    expect(Object.values(list)).toMatchObject([
      {
        metadata: { name: 'sam-tiny', annotations: { type: 'interactor', version: '2', min_pos_points: '1' } },
        spec: { description: expect.any(String) as string },
        status: { state: 'ready' }
      }
    ])
    expect(await (await send(server, '/api/functions/sam-tiny')).json()).toEqual(list['sam-tiny'])
    expect((await send(server, '/api/functions/other')).status).toBe(404)
  })

  it('answers a call with the mask, and its outline', async () => {
    const server = await tinyServer()
    const body = {
      image: Buffer.from(photo).toString('base64'),
      pos_points: [[200, 150]],
      neg_points: [[20, 20]],
      obj_bbox: [
        [300, 260],
        [50, 40]
      ]
    }
    const response = await send(server, '/api/function_invocations', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-nuclio-function-name': 'sam-tiny', 'x-nuclio-path': '/' },
      body: JSON.stringify(body)
    })
    const { mask, points } = (await response.json()) as { mask: number[][]; points: [number, number][] }
    const [wanted] = (
      await image.predict({
        points: [
          { x: 200, y: 150 },
          { x: 20, y: 20, label: 'background' }
        ],
        box: [50, 40, 300, 260]
      })
    ).masks
    const { width, height } = image
    const answered = Mask.fromBitmap({ width, height, data: Uint8Array.from(mask.flat(), value => value && 1) })
    expect(answered.toCocoRle()).toEqual(wanted.toCocoRle())
    expect(new Set(mask.flat())).toEqual(new Set([0, 255]))
    const outline = Mask.fromPolygons([[[...points, points[0]]]], { width, height })
    const parts = wanted.toPolygons().map(([ring]) => Mask.fromPolygons([[ring]], { width, height }))
    const [largest] = parts.sort((a, b) => b.area - a.area)
    expect(outline.iou(largest)).toBeGreaterThan(0.9)
  })
})

describe('Roboflow', () => {
  const prompts = [
    { points: [{ x: 200, y: 150, positive: true }] },
    { points: [{ x: 20, y: 20, positive: false }], box: { x: 175, y: 150, width: 250, height: 220 } }
  ]
  const wanted = async (multimask: boolean): Promise<Mask[]> => {
    const found = await image.predict(
      [{ points: [{ x: 200, y: 150 }] }, { points: [{ x: 20, y: 20, label: 'background' }], box: [50, 40, 300, 260] }],
      { multimask }
    )
    return found.map(({ masks }) => masks[0])
  }
  const segment = async (part: object): Promise<Response> =>
    post(await tinyServer(), '/sam2/segment_image', {
      image: { type: 'base64', value: Buffer.from(photo).toString('base64') },
      prompts: { prompts },
      ...part
    })

  it.each([true, false])('answers the best mask of each prompt, as RLE (multimask: %s)', async multimask => {
    const response = await segment({ format: 'rle', multimask_output: multimask, sam2_version_id: 'hiera_tiny' })
    expect(await response.json()).toEqual({
      predictions: (await wanted(multimask)).map(mask => ({
        masks: mask.toCocoRle(),
        confidence: mask.predictedIou,
        format: 'rle'
      })),
      time: expect.any(Number) as number
    })
  })

  it('and as outlines, which may be a list of prompts', async () => {
    const { predictions } = (await (await segment({ prompts })).json()) as {
      predictions: { masks: [number, number][][]; format: string }[]
    }
    const { width, height } = image
    for (const [i, mask] of (await wanted(true)).entries()) {
      expect(predictions[i].format).toBe('polygon')
      const rings = mask.toPolygons().map(([outline]) => [outline])
      const outlines = predictions[i].masks.map(ring => [[...ring, ring[0]]])
      expect(Mask.fromPolygons(outlines, { width, height }).toCocoRle()).toEqual(
        Mask.fromPolygons(rings, { width, height }).toCocoRle()
      )
    }
  })

  it.each([
    ['no prompts', { prompts: [] }, 400],
    ['an empty prompt', { prompts: [{}] }, 400],
    ['too many prompts', { prompts: Array(65).fill(prompts[0]) }, 400],
    ['numpy files', { format: 'binary' }, 400],
    ['a pickle', { image: { type: 'numpy', value: 'gASV' } }, 400],
    ['no image', { image: { type: 'base64', value: 'aGVsbG8=' } }, 422],
    ['an address that is not allowed', { image: { type: 'url', value: 'http://169.254.169.254/' } }, 403]
  ])('refuses %s', async (_, part, status) => {
    expect((await segment(part)).status).toBe(status)
  })
})
