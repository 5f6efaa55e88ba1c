import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpu } from '@sam/backend-cpu'
import { connectServer, type ServerSam } from '@sam/client'
import { decodeImage, loadSam, type EncodedImage, type Mask } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer, type Server } from '../src/index.js'
import { models, photo, sam as local, send, tinyServer } from './tiny-server.js'

const box = { box: [50, 40, 300, 260] } as const
const token = 'a-token-of-the-tests'

describe('connectServer', () => {
  let server: Server
  let url: string
  let sam: ServerSam
  let expected: EncodedImage
  beforeAll(async () => {
    server = await createServer({ models, logLevel: 'silent', tokens: [token] })
    url = await server.listen({ port: 0 })
    sam = await connectServer(url, { token })
    expected = await local.encode(photo)
  })
  afterAll(async () => {
    expected.dispose()
    await server.close({ grace: 0 })
  })

  const sameMasks = (masks: readonly Mask[], others: readonly Mask[]): void =>
    expect(masks.map(mask => mask.toJSON().segmentation)).toEqual(others.map(mask => mask.toJSON().segmentation))

  it('predicts as the SDK, from a file, pixels, a path or a blob', async () => {
    const path = join(tmpdir(), `client-${process.pid}.jpg`)
    await writeFile(path, photo)
    for (const input of [photo, await decodeImage(photo), path, new Blob([photo])]) {
      const image = await sam.encode(input)
      expect([image.width, image.height]).toEqual([expected.width, expected.height])
      const { masks, tokenIndices } = await image.predict(box)
      const wanted = await expected.predict(box)
      sameMasks(masks, wanted.masks)
      expect(tokenIndices).toEqual(wanted.tokenIndices)
      image.dispose()
      await expect(image.predict(box)).rejects.toMatchObject({ code: 'E_DISPOSED' })
    }
  })

  it('generates masks as the SDK, and reports progress', async () => {
    const image = await sam.encode(photo)
    const options = { pointsPerSide: 4, predIouThresh: 0, stabilityScoreThresh: 0 }
    const steps: number[] = []
    const masks = await image.generateMasks({ ...options, onProgress: ({ done }) => steps.push(done) })
    const wanted = await expected.generateMasks(options)
    sameMasks(
      masks.map(({ mask }) => mask),
      wanted.map(({ mask }) => mask)
    )
    expect(masks.map(({ point, box, tokenIndex, area }) => ({ point, box, tokenIndex, area }))).toEqual(
      wanted.map(({ point, box, tokenIndex, area }) => ({ point, box, tokenIndex, area }))
    )
    expect(steps.at(-1)).toBe(16)
  })

  it('finds text as the SDK', async () => {
    const image = await sam.encode(photo)
    const found = await image.query('a red circle', { threshold: 0, limit: 2 })
    const wanted = await expected.query('a red circle', { threshold: 0, limit: 2 })
    sameMasks(
      found.map(({ mask }) => mask),
      wanted.map(({ mask }) => mask)
    )
  })

  it('has the logits of masks on request, which refine without a loss', async () => {
    const exact = await connectServer(url, {
      token,
      logits: true,
      fetch: request => server.fetch(request)
    })
    const image = await exact.encode(photo)
    const [mask] = (await image.predict(box)).masks
    const [wanted] = (await expected.predict(box)).masks
    expect(mask.lowResLogits).toEqual(wanted.lowResLogits)
    const click = { points: [{ x: 200, y: 150 }] }
    const refined = await image.predict([{ ...click, mask }])
    sameMasks(refined[0].masks, (await expected.predict({ ...click, mask: wanted })).masks)
  })

  it('decodes in this process with only the decoder, and asks the server once per image', async () => {
    const backend = await cpu()
    const { weights, config } = tinyModel()
    const decoder = await loadSam({ weights, model: config, backend, parts: 'decoder' })
    const paths: string[] = []
    const fetch = (request: Request): Promise<Response> => {
      paths.push(new URL(request.url).pathname.replace(/tiny-[0-9a-f]+/, 'ID'))
      return server.fetch(request)
    }
    const here = await connectServer('http://localhost', { token, decode: decoder, fetch })
    const image = await here.encode(photo)
    for (let i = 0; i < 3; i++) sameMasks((await image.predict(box)).masks, (await expected.predict(box)).masks)
    expect(paths).toEqual(['/v1/models', '/v1/images', '/v1/images/ID/embedding'])
    image.dispose()
    await decoder.dispose()
    backend.dispose()
  })

  it('throws the errors of the SDK', async () => {
    const image = await sam.encode(photo)
    await expect(image.predict({ points: [{ x: -9, y: 0 }] })).rejects.toMatchObject({ code: 'E_BAD_PROMPT' })
    await expect(image.generateMasks({ pointsPerSide: 1000 })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    await expect(sam.encode(new Uint8Array(100))).rejects.toMatchObject({ code: 'E_BAD_IMAGE' })
    await expect(connectServer(url)).rejects.toMatchObject({ code: 'E_BACKEND_FAILED' })
    await expect(connectServer(url, { token, model: 'none' })).rejects.toMatchObject({
      code: 'E_BAD_OPTION'
    })
    await expect(connectServer('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'E_BACKEND_UNAVAILABLE' })
  })
})

describe('a client', () => {
  it('sends an image again that the server has forgotten', async () => {
    let server = await tinyServer()
    const sam = await connectServer('http://localhost', { fetch: request => server.fetch(request) })
    const image = await sam.encode(photo)
    server = await tinyServer() // restarted, without a cache on disk
    expect((await image.predict(box)).masks).toHaveLength(3)
  })

  it('waits and asks again while the server is busy', async () => {
    const server = await tinyServer()
    let busy = 2
    const fetch = (request: Request): Promise<Response> =>
      request.method === 'POST' && busy-- > 0
        ? Promise.resolve(new Response('{}', { status: 429, headers: { 'retry-after': '0' } }))
        : server.fetch(request)
    const sam = await connectServer('http://localhost', { fetch })
    await sam.encode(photo)
    expect(busy).toBe(-1)
    const given = await connectServer('http://localhost', { fetch, retries: 0 })
    busy = 1
    await expect(given.encode(photo)).rejects.toMatchObject({ code: 'E_BACKEND_FAILED' })
  })

  it('ends its work on the server when it aborts', async () => {
    const server = await tinyServer()
    const sam = await connectServer(await server.listen({ port: 0 }))
    const image = await sam.encode(photo)
    for await (const { done } of image.streamMasks({ pointsPerSide: 64, pointsPerBatch: 16 })) if (done >= 32) break
    const controller = new AbortController()
    const aborted = image.generateMasks({ pointsPerSide: 64, signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 300)
    await expect(aborted).rejects.toThrow('enough')
    const started = performance.now()
    await image.generateMasks({ pointsPerSide: 1 }) // has its turn once the others have ended
    expect(performance.now() - started).toBeLessThan(20_000)
    expect(await (await send(server, '/metrics')).text()).toContain('sam_queue_waiting{model="tiny",work="generate"} 0')
  })
})
