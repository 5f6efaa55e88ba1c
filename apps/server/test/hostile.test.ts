import type { lookup } from 'node:dns'
import { mkdtemp, readdir } from 'node:fs/promises'
import { createServer as createHttp, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchImage, type FetchRules } from '../src/fetch-image.js'
import { createServer } from '../src/index.js'
import { models, photo, post, send, tinyServer, upload } from './tiny-server.js'

const codeOf = async (response: Response): Promise<{ status: number; code: string }> => ({
  status: response.status,
  code: ((await response.json()) as { error: { code: string } }).error.code
})

const opened: { close(): void }[] = []
afterEach(() => opened.splice(0).forEach(one => one.close()))

/** A server on this machine that is no server of images. */
async function listening(answer: RequestListener): Promise<number> {
  const http = createHttp(answer)
  opened.push(http)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  return (http.address() as AddressInfo).port
}

describe('names', () => {
  it.each(['../../etc/passwd', '..%2f..%2fetc%2fpasswd', 'tiny-../x', `tiny-${'0'.repeat(63)}/`, 'tiny-%00', '%F0%28'])(
    'no path leaves the cache: %s',
    async name => {
      const folder = await mkdtemp(join(tmpdir(), 'hostile-'))
      const server = await tinyServer({ cache: { folder } })
      for (const path of [`/v1/images/${name}`, `/v1/images/${name}/embedding`])
        expect([400, 404]).toContain((await send(server, path)).status)
      expect(
        (
          await send(server, `/v1/images?model=${name}`, {
            method: 'POST',
            headers: { 'content-type': 'image/png' },
            body: photo as BodyInit
          })
        ).status
      ).toBe(404)
      expect(await readdir(folder)).toEqual([])
    }
  )

  it('file names of multipart forms are not read', async () => {
    const form = new FormData()
    form.append('file', new Blob([photo]), '../../x.jpg')
    const response = await send(await tinyServer(), '/v1/images', { method: 'POST', body: form })
    expect(await codeOf(response)).toEqual({ status: 415, code: 'E_MEDIA_TYPE' })
  })

  it('a model cannot be called like a path', async () => {
    await expect(createServer({ models: { '../x': models.tiny } })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })
})

describe('image URLs', () => {
  const fetching = (url: string, rules: FetchRules, resolver?: typeof lookup): Promise<Uint8Array> =>
    fetchImage(url, rules, {
      maxBytes: 1e6,
      signal: AbortSignal.timeout(5000),
      ...(resolver && { resolve: resolver })
    })

  it('are off by default', async () => {
    const response = await post(await tinyServer(), '/v1/images', { url: 'https://example.com/a.jpg' })
    expect(await codeOf(response)).toEqual({ status: 403, code: 'E_FORBIDDEN' })
  })

  it.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0.0.0.0/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://10.1.2.3/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'file:///etc/passwd',
    'ftp://example.com/',
    'data:image/png;base64,AAAA',
    'not a url'
  ])('do not reach this machine or its network: %s', async url => {
    await expect(fetching(url, { origins: ['*'] })).rejects.toMatchObject({ status: 403 })
  })

  it('do not reach it by a name', async () => {
    let reached = 0
    const port = await listening((_, response) => {
      reached++
      response.end(photo)
    })
    const resolver = ((_: string, __: object, done: (error: null, all: object[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as typeof lookup
    const url = `http://images.example.com:${port}/`
    await expect(fetching(url, { origins: ['*'] }, resolver)).rejects.toMatchObject({ status: 403 })
    // One public address among others does not make a name public.
    const mixed = ((_: string, __: object, done: (error: null, all: object[]) => void) =>
      done(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 }
      ])) as unknown as typeof lookup
    await expect(fetching(url, { origins: ['*'] }, mixed)).rejects.toMatchObject({ status: 403 })
    expect(reached).toBe(0)
  })

  it('connect to the address that was checked: the name is resolved once', async () => {
    const port = await listening((_, response) => response.end(photo))
    let asked = 0
    // Rebinding: every answer but the first is internal. Here the first one is, and only its origin allows it.
    const resolver = ((_: string, __: object, done: (error: null, all: object[]) => void) =>
      done(null, [{ address: asked++ ? '192.0.2.1' : '127.0.0.1', family: 4 }])) as unknown as typeof lookup
    const url = `http://images.example.com:${port}`
    const bytes = await fetching(`${url}/a.jpg`, { internalOrigins: [url] }, resolver)
    expect([bytes.length, asked]).toEqual([photo.length, 1])
  })

  it('redirects follow the same rules', async () => {
    let reached = 0
    const secret = await listening((_, response) => {
      reached++
      response.end('secret')
    })
    const port = await listening(({ url }, response) =>
      response.writeHead(302, { location: url === '/loop' ? '/loop' : `http://127.0.0.1:${secret}/` }).end()
    )
    const rules = { origins: ['*'], internalOrigins: [`http://127.0.0.1:${port}`] }
    await expect(fetching(`http://127.0.0.1:${port}/`, rules)).rejects.toMatchObject({ status: 403 })
    await expect(fetching(`http://127.0.0.1:${port}/loop`, rules)).rejects.toMatchObject({ status: 422 })
    expect(reached).toBe(0)
  })

  it('an endless file ends at the limit', async () => {
    const port = await listening((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        response.once('drain', more)
      }
      more()
    })
    const origin = `http://127.0.0.1:${port}`
    await expect(fetching(origin, { internalOrigins: [origin] })).rejects.toMatchObject({ status: 413 })
  })

  it.each(['example.com', 'https://example.com/path', 'ftp://example.com'])(
    'an origin must be one: %s',
    async origin => {
      await expect(tinyServer({ fetch: { origins: [origin] } })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    }
  )
})

describe('bodies', () => {
  const limits = { imageBytes: 100_000, jsonBytes: 100_000 }

  it('too large by their header: 413, before anything is sent', async () => {
    const server = await tinyServer({ limits })
    const { port } = new URL(await server.listen({ port: 0 }))
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'image/png', 'content-length': 1e12 }
      const sent = httpRequest(
        { port, method: 'POST', path: '/v1/images', headers, host: '127.0.0.1' },
        ({ statusCode }) => {
          resolve(statusCode!)
          sent.destroy()
        }
      )
      sent.on('error', reject)
      sent.flushHeaders()
    })
    expect(status).toBe(413)
  })

  it('in chunks without a length: refused when the limit is reached', async () => {
    const server = await tinyServer({ limits })
    const { port } = new URL(await server.listen({ port: 0 }))
    let sentBytes = 0
    const status = await new Promise<number>(resolve => {
      const headers = { 'content-type': 'image/png', 'transfer-encoding': 'chunked' }
      const sent = httpRequest(
        { port, method: 'POST', path: '/v1/images', headers, host: '127.0.0.1' },
        ({ statusCode }) => resolve(statusCode!)
      )
      sent.on('error', () => {})
      const timer = setInterval(() => {
        sentBytes += 50_000
        if (sent.destroyed) clearInterval(timer)
        else sent.write(Buffer.alloc(50_000))
      }, 5)
      sent.on('close', () => clearInterval(timer))
    })
    expect(status).toBe(413)
    expect(sentBytes).toBeLessThan(5e6)
  })

  it('that are compressed: 415', async () => {
    const response = await send(await tinyServer(), '/v1/images', {
      method: 'POST',
      headers: { 'content-type': 'image/png', 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(1e6)) as BodyInit
    })
    expect(await codeOf(response)).toEqual({ status: 415, code: 'E_MEDIA_TYPE' })
  })

  it('a small PNG of 30,000 × 30,000 pixels is refused by its header', async () => {
    const started = performance.now()
    const response = await send(await tinyServer(), '/v1/images', {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: blackPng(30_000, 30_000) as BodyInit
    })
    expect(await codeOf(response)).toEqual({ status: 413, code: 'E_IMAGE_TOO_LARGE' })
    expect(performance.now() - started).toBeLessThan(2000) // it would take 2.7 GB and half a minute
  })

  it.each([
    ['not JSON', '{'],
    ['deep JSON', `${'['.repeat(1e5)}${']'.repeat(1e5)}`],
    ['deep inside a prompt', `{"prompts":[${'{"mask":'.repeat(1e4)}1${'}'.repeat(1e4)}]}`],
    ['a number that overflows', '{"prompts":[{"points":[{"x":1e999,"y":0}]}]}'],
    ['a prototype', '{"__proto__":{"prompts":[]},"constructor":1}'],
    ['too many points', JSON.stringify({ prompts: [{ points: Array(2000).fill({ x: 1, y: 1 }) }] })],
    ['an RLE of a huge image', '{"prompts":[{"mask":{"size":[1e9,1e9],"counts":"1"}}]}'],
    ['no body', '']
  ])('JSON that is hostile: %s', async (_, body) => {
    const server = await tinyServer()
    const { id } = await upload(server)
    const response = await send(server, `/v1/images/${id}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body
    })
    expect(response.status).toBe(400)
    expect((await codeOf(response)).code).toMatch(/^E_BAD_(?:REQUEST|PROMPT)$/)
  })
})

describe('tokens', () => {
  const token = 'f1a52e0c-0000-4000-8000-000000000000'
  const get = (headers: Record<string, string>, path = '/v1/models') =>
    tinyServer({ tokens: [token, 'another-token-of-32-characters'] }).then(server => send(server, path, { headers }))

  it('are needed for all but probes and the description', async () => {
    expect(await codeOf(await get({}))).toEqual({ status: 401, code: 'E_UNAUTHORIZED' })
    for (const path of ['/metrics', '/api/functions', '/label-studio/health', '/v1/images/x', '/nothing'])
      expect((await get({}, path)).status).toBe(401)
    for (const path of ['/health', '/ready', '/openapi.json']) expect((await get({}, path)).status).toBe(200)
  })

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token}0`,
    `Basic ${token}`,
    `bearer  x ${token}`,
    `Bearer ${'a'.repeat(10_000)}`
  ])('a wrong one is refused: %s', async authorization => {
    expect((await get({ authorization })).status).toBe(401)
  })

  it('pass as bearer, or as the password of basic authorization', async () => {
    expect((await get({ authorization: `Bearer ${token}` })).status).toBe(200)
    expect((await get({ authorization: 'bearer another-token-of-32-characters' })).status).toBe(200)
    expect((await get({ authorization: `Basic ${btoa(`label-studio:${token}`)}` })).status).toBe(200)
  })

  it('are compared as digests of one length', async () => {
    // timingSafeEqual throws for lengths that differ: a short and a long guess reach it as digests.
    for (const guess of ['x', 'y'.repeat(5000)])
      expect((await get({ authorization: `Bearer ${guess}` })).status).toBe(401)
  })

  it('must be long', async () => {
    for (const bad of ['short', 'with a space inside it', ''])
      await expect(tinyServer({ tokens: [bad] })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
  })

  it('are needed to listen beyond this machine', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'localhost.example.com'])
      await expect((await tinyServer()).listen({ host, port: 0 })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    expect(await (await tinyServer()).listen({ host: 'localhost', port: 0 })).toMatch(/^http:/)
    expect(await (await tinyServer({ tokens: [token] })).listen({ host: '0.0.0.0', port: 0 })).toMatch(/^http:/)
  })

  it('without them, a page cannot reach the server by a name of its own (DNS rebinding)', async () => {
    const server = await tinyServer()
    const response = await server.fetch(new Request('http://rebound.example.com/v1/models'))
    expect(await codeOf(response)).toEqual({ status: 403, code: 'E_FORBIDDEN' })
    expect((await server.fetch(new Request('http://127.0.0.1:8000/v1/models'))).status).toBe(200)
  })

  it('pages of other origins are not let in by default', async () => {
    const origin = 'https://page.example.com'
    const preflight = { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }
    const closed = await send(await tinyServer(), '/v1/models', preflight)
    expect(closed.headers.get('access-control-allow-origin')).toBeNull()
    const open = await tinyServer({ corsOrigins: [origin], tokens: [token] })
    expect((await send(open, '/v1/models', preflight)).headers.get('access-control-allow-origin')).toBe(origin)
    const other = { ...preflight, headers: { ...preflight.headers, origin: 'https://other.example.com' } }
    expect((await send(open, '/v1/models', other)).headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('injection', () => {
  it('nothing of a request ends a line of the log', async () => {
    const lines: string[] = []
    const server = await tinyServer({ logLevel: 'info', log: { write: text => void lines.push(text) } })
    await send(server, '/v1/x%0a{"level":"info","forged":true}%1b[31m%e2%80%a8', {
      headers: { authorization: 'Bearer %0aforged', 'user-agent': 'a\tb' }
    })
    await expect.poll(() => lines.length).toBe(1)
    expect(lines[0].trimEnd().split('\n')).toHaveLength(1)
    expect(lines[0]).not.toMatch(/[\x00-\x09\x0b-\x1f\u2028]/)
    expect(JSON.parse(lines[0])).not.toHaveProperty('forged')
    expect(lines[0]).not.toContain('Bearer')
  })

  it('nothing of a request becomes a header of the answer', async () => {
    const response = await send(await tinyServer(), '/v1/images/%0d%0aset-cookie:%20x=1', {
      headers: { 'x-request-id': 'chosen by the client' }
    })
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(response.headers.get('content-type')).toContain('application/json')
  })

  it('two lengths, or a length and chunks, are refused (request smuggling)', async () => {
    const server = await tinyServer()
    const { port } = new URL(await server.listen({ port: 0 }))
    for (const headers of [
      'Content-Length: 1\r\nContent-Length: 5',
      'Content-Length: 5\r\nTransfer-Encoding: chunked'
    ]) {
      const answer = await new Promise<string>(resolve => {
        const socket = connect(Number(port), '127.0.0.1', () =>
          socket.write(`POST /v1/images HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\nabcde`)
        )
        let text = ''
        socket
          .on('data', chunk => (text += chunk.toString()))
          .on('close', () => resolve(text))
          .on('error', () => {})
      })
      expect(answer).toMatch(/^HTTP\/1.1 400/)
    }
  })

  it('an error inside is not told to the client', async () => {
    const broken = {
      ...models.tiny,
      sam: new Proxy(models.tiny.sam, {
        get: (sam, name) => {
          if (name === 'encode') return () => Promise.reject(new Error('/home/operator/secret.pt'))
          const value: unknown = Reflect.get(sam, name, sam)
          return typeof value === 'function' ? (value.bind(sam) as unknown) : value
        }
      })
    }
    const server = await tinyServer({ models: { broken } })
    const response = await send(server, '/v1/images', {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: photo as BodyInit
    })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
  })
})

/** A PNG of one colour, a few hundred kilobytes for a billion pixels. */
function blackPng(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    check.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, check])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([1, 0, 0, 0, 0], 8)
  const rows = Buffer.alloc(height * (1 + Math.ceil(width / 8)))
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0))
  ])
}
