import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { compareWithAddress, download } from './address.js'

let server: Server | undefined
let asked: string[] = []
/** A server that gives one file with these headers. */
async function serve(headers: Record<string, string>, status = 200): Promise<string> {
  await stop()
  asked = []
  server = createServer((request, response) => {
    asked.push(request.method!)
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : 'weights')
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pth`
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
  ] as const)('%s: the server says %j of a file kept as %s', async (verdict, headers, version) => {
    expect(await compareWithAddress({ key: await serve(headers), version }, signal)).toBe(verdict)
    expect(asked).toEqual(['HEAD'])
  })

  it('does not know offline, or when the server refuses', async () => {
    const key = await serve({ etag: '"two"' }, 405)
    expect(await compareWithAddress({ key, version: '"one"' }, signal)).toBe('unknown')
    await stop()
    expect(await compareWithAddress({ key, version: '"one"' }, signal)).toBe('unknown')
  })

  it('asks nothing about an address that names the sum of its file', async () => {
    const key = `${await serve({ etag: '"two"' })}#sha256=${'0'.repeat(64)}`
    expect(await compareWithAddress({ key, version: '"one"' }, signal)).toBe('same')
    expect(asked).toEqual([])
  })

  it('rejects after an abort', async () => {
    const key = await serve({})
    await expect(compareWithAddress({ key }, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })
})

it('download: says which version of the file it is', async () => {
  const incoming = await download(await serve({ etag: 'W/"one"' }), signal)
  expect(incoming).toMatchObject({ label: 'model.pth', version: '"one"' })
  await incoming.stream.cancel()
})
