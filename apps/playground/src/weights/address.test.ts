import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { compareWithAddress, download } from './address.js'

let server: Server | undefined
let requests: string[] = []
/** Starts a server of one file with these headers. Returns the file's URL. */
async function serve(headers: Record<string, string>, status = 200): Promise<URL> {
  await stop()
  requests = []
  server = createServer((request, response) => {
    requests.push(request.method!)
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : 'weights')
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pth`)
}
async function stop(): Promise<void> {
  server?.closeAllConnections()
  await new Promise(resolve => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
}
afterEach(stop)
const { signal } = new AbortController()

describe('compareWithAddress', () => {
  it.each([
    ['same', { etag: '"one"' }, '"one"'],
    ['same', { etag: 'W/"one"' }, '"one"'],
    ['changed', { etag: '"two"' }, '"one"'],
    ['changed', { 'last-modified': 'Tue, 02 Jan 2024 00:00:00 GMT' }, 'Mon, 01 Jan 2024 00:00:00 GMT'],
    ['changed', { etag: '"two"' }, undefined],
    ['unknown', {}, '"one"']
  ] as const)('returns %s for response headers %j and stored version %s', async (verdict, headers, version) => {
    expect(await compareWithAddress(await serve(headers), version, signal)).toBe(verdict)
    expect(requests).toEqual(['HEAD'])
  })

  it('returns unknown offline, or when the server rejects the request', async () => {
    const url = await serve({ etag: '"two"' }, 405)
    expect(await compareWithAddress(url, '"one"', signal)).toBe('unknown')
    await stop()
    expect(await compareWithAddress(url, '"one"', signal)).toBe('unknown')
  })

  it('makes no request for a URL with a checksum', async () => {
    const url = new URL(`#sha256=${'0'.repeat(64)}`, await serve({ etag: '"two"' }))
    expect(await compareWithAddress(url, '"one"', signal)).toBe('same')
    expect(requests).toEqual([])
  })

  it('rejects after an abort', async () => {
    const url = await serve({})
    await expect(compareWithAddress(url, undefined, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

it('download: returns the version of the file', async () => {
  const incoming = await download(await serve({ etag: 'W/"one"' }), signal)
  expect(incoming).toMatchObject({ label: 'model.pth', version: '"one"' })
  await incoming.stream.cancel()
})

it('download: says of another server that the policy of the page and CORS must allow it', async () => {
  const url = await serve({})
  await stop()
  vi.stubGlobal('location', { origin: 'https://example.org' })
  await expect(download(url, signal)).rejects.toThrow(/Content-Security-Policy.*CORS/)
  vi.stubGlobal('location', { origin: url.origin })
  await expect(download(url, signal)).rejects.toThrow(/the request failed; check the network$/)
  vi.unstubAllGlobals()
})
