import { inspect } from 'node:util'
import { createServer, type RequestListener } from 'node:http'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import * as browser from './browser.js'
import { urlBytes } from './url.js'

let handler: RequestListener
let requests: string[]
const server = createServer((request, response) => {
  requests.push(request.headers.range ?? '')
  response.setHeader('connection', 'close')
  handler(request, response)
})
await new Promise<void>(done => {
  server.listen(0, '127.0.0.1', done)
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})
const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/weights`
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)

describe('urlBytes', () => {
  const file = Uint8Array.from({ length: 700_000 }, (_, i) => i % 253)

  const ranged =
    (data: Uint8Array, headers: Record<string, string> = {}): RequestListener =>
    (request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
      const [begin, end] = [Number(from), Math.min(Number(to) + 1, data.length)]
      response
        .writeHead(206, { 'content-range': `bytes ${begin}-${end - 1}/${data.length}`, ...headers })
        .end(data.subarray(begin, end))
    }
  beforeEach(() => {
    requests = []
  })
  const refusal = async (serve: RequestListener, message: RegExp): Promise<void> => {
    handler = serve
    await expect(urlBytes(url)).rejects.toMatchObject({
      code: 'E_WEIGHTS_IO',
      message: expect.stringMatching(message) as unknown
    })
  }

  it('reads by ranges, in few requests', async () => {
    handler = ranged(file, { etag: '"1"' })
    const source = await urlBytes(url)
    expect(source.size).toBe(file.length)
    expect(await source.read(5, 10)).toEqual(file.slice(5, 15))
    for (let at = 650_000; at < 650_100; at += 10) expect(await source.read(at, 10)).toEqual(file.slice(at, at + 10))
    expect(Buffer.compare(await source.read(100, 600_000), file.subarray(100, 600_100))).toBe(0)
    expect(requests).toEqual(['bytes=0-262143', 'bytes=524288-699999', 'bytes=100-600099'])
  })

  it('tries once more when the connection fails', async () => {
    let calls = 0
    handler = (request, response) => (calls++ === 0 ? request.destroy() : ranged(bytes)(request, response))
    expect((await urlBytes(url)).size).toBe(1000)
    expect(calls).toBe(2)
  })

  it('reads small and empty files', async () => {
    handler = ranged(bytes)
    expect(await (await urlBytes(url)).read(0, 1000)).toEqual(bytes)
    expect(requests).toHaveLength(1)
    handler = (_, response) => {
      response.writeHead(416).end()
    }
    expect((await urlBytes(url)).size).toBe(0)
  })

  it('reads a file whole when the server knows no ranges, up to a limit', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'content-length': file.length }).end(file)
    }
    const seen: number[] = []
    const source = await urlBytes(url, {
      onProgress: ({ loaded, total }) => {
        seen.push(loaded / total)
      }
    })
    expect(Buffer.compare(await source.read(0, file.length), file)).toBe(0)
    expect(seen.at(-1)).toBe(1)
    await expect(urlBytes(url, { wholeLimit: 1000 })).rejects.toThrow('does not support Range requests')
    handler = (_, response) => {
      response.writeHead(200)
      response.write(file)
      response.end()
    }
    await expect(urlBytes(url, { wholeLimit: 1000 })).rejects.toThrow('more than')
  })

  it('refuses what is not the file', async () => {
    await refusal((_, response) => {
      response.writeHead(404, 'Not Found').end()
    }, /404 Not Found/)
    await refusal((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>')
    }, /web page/)
    await refusal(ranged(file, { 'content-encoding': 'br' }), /br stream/)
    await refusal((_, response) => {
      response.writeHead(206).end('abc')
    }, /size of the file/)
    await refusal((_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-99/1000' }).end(file.subarray(0, 100))
    }, /cut off/)
    await refusal(request => {
      request.destroy()
    }, /request failed \(other side closed\); check the address and the network/)
    await refusal((_, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('abc', () => {
        response.destroy()
      })
    }, /connection broke/)
  })

  it('notices a file that changes, and an answer that is cut off, while it is read', async () => {
    handler = ranged(file, { etag: '"1"' })
    const source = await urlBytes(url)
    handler = ranged(file, { etag: '"2"' })
    await expect(source.read(400_000, 10)).rejects.toThrow('changed')
    handler = ranged(file.subarray(0, 600_000), { etag: '"1"' })
    await expect(source.read(400_000, 10)).rejects.toThrow('changed')
    handler = (_, response) => {
      response.writeHead(206, { etag: '"1"' }).end('abc')
    }
    await expect(source.read(400_000, 10)).rejects.toThrow('cut off')
    handler = (_, response) => {
      response.writeHead(200, { etag: '"1"' }).end(file)
    }
    await expect(source.read(400_000, 10)).rejects.toThrow('stopped answering ranges')
    handler = ranged(file, { etag: '"1"' })
    expect(await source.read(400_000, 10)).toEqual(file.slice(400_000, 400_010))
  })

  it('notices a file that changes by its date, where the server gives no ETag', async () => {
    handler = ranged(file, { 'last-modified': 'Sat, 28 Nov 2026 10:00:00 GMT' })
    const source = await urlBytes(url)
    expect(await source.read(400_000, 10)).toEqual(file.slice(400_000, 400_010))
    handler = ranged(file, { 'last-modified': 'Sat, 28 Nov 2026 11:00:00 GMT' })
    await expect(source.read(600_000, 10)).rejects.toThrow('changed')
  })

  it('notices a file that changes by its bytes, where the server gives neither', async () => {
    handler = ranged(file)
    const source = await urlBytes(url)
    expect(await source.read(400_000, 10)).toEqual(file.slice(400_000, 400_010))
    handler = ranged(file.map(byte => byte ^ 1))
    await expect(source.read(600_000, 10)).rejects.toThrow('changed')
  })

  it('refuses a range that begins elsewhere', async () => {
    const shifted: RequestListener = (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 5-1004/2000' }).end(file.subarray(5, 1005))
    }
    await refusal(shifted, /asked for bytes from 0, the server answered 'bytes 5-1004\/2000'/)
    handler = ranged(file, { etag: '"1"' })
    const source = await urlBytes(url)
    handler = (_, response) => {
      response.writeHead(206, { etag: '"1"', 'content-range': `bytes 0-9/${file.length}` }).end(file.subarray(0, 10))
    }
    await expect(source.read(400_000, 10)).rejects.toThrow('asked for bytes from 262144')
  })

  it('gives up on a server that sends nothing, when it answers and in the middle of a file', async () => {
    const hung = /sent nothing for 0.05 s; try again, or give it longer with timeout/
    handler = () => {}
    await expect(urlBytes(url, { timeout: 50 })).rejects.toThrow(hung)
    handler = (_, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('abc')
    }
    await expect(urlBytes(url, { timeout: 50 })).rejects.toMatchObject({
      code: 'E_WEIGHTS_IO',
      message: expect.stringMatching(hung) as unknown
    })
    await expect(urlBytes(url, { timeout: 0 })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    handler = ranged(file)
    expect((await urlBytes(url, { timeout: Infinity })).size).toBe(file.length)
  })

  it('sends user and password as a header, and shows neither them nor the query', async () => {
    let sent: string | undefined
    handler = (request, response) => {
      sent = request.headers.authorization
      response.writeHead(403, 'Forbidden').end()
    }
    const secret = `${url.replace('http://', 'http://me:pa%20ss@')}?token=secret#fragment`
    const error = (await urlBytes(secret).catch((e: unknown) => e)) as Error
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/weights: the server answered 403/)
    expect(sent).toBe(`Basic ${btoa('me:pa ss')}`)
    handler = request => request.destroy()
    const broken = (await urlBytes(secret).catch((e: unknown) => e)) as Error
    for (const text of [broken.message, inspect(broken)]) expect(text).not.toMatch(/secret|pa%20ss|pa ss/)
    const invalid = (await urlBytes('http://me:pass@host:99999/?token=secret').catch((e: unknown) => e)) as Error
    expect(inspect(invalid)).not.toMatch(/secret|pass/)
    handler = ranged(bytes)
    expect((await urlBytes(secret)).name).toBe(url)
  })

  it('is read after the signal that opened it was aborted', async () => {
    handler = ranged(file)
    const opening = new AbortController()
    const source = await urlBytes(url, { signal: opening.signal })
    opening.abort()
    expect(await source.read(400_000, 10)).toEqual(file.slice(400_000, 400_010))
    await expect(source.read(690_000, 10, opening.signal)).rejects.toThrow('aborted')
  })

  it('stops at an abort, in the request and in the body', async () => {
    const reason = new Error('stop')
    await expect(urlBytes(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    handler = (_, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('abc', () => {
        stop.abort(reason)
      })
    }
    const stop = new AbortController()
    await expect(urlBytes(url, { signal: stop.signal })).rejects.toBe(reason)
  })

  it('is what a browser opens a string with', async () => {
    handler = ranged(bytes)
    expect(await (await browser.openFile(url)).read(0, 10)).toEqual(bytes.slice(0, 10))
    await expect(browser.writeFileAtomic('x', [])).rejects.toMatchObject({ code: 'E_WEIGHTS_IO' })
    expect(await browser.filesIn('x')).toBeUndefined()
  })
})
