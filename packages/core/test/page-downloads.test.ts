import { beforeEach, describe, expect, inject, it } from 'vitest'
import { openWeights, type DownloadOptions } from '../src/index.js'
import type { HubRequest } from './hub-server.js'

/** Downloads in a real browser: its Cache API, its redirects, its Web Locks. The hub is started by hub-setup.ts. */
describe('openWeights in a page: hf:owner/name', () => {
  const host = inject('hub')
  const commit = '1'.repeat(40)
  const open = async (download: DownloadOptions = {}, signal?: AbortSignal, onBytes?: (n: number) => void) => {
    const source = await openWeights('hf:owner/name', {
      signal,
      download: { host, token: 'secret', ...download },
      onProgress: ({ loaded }) => onBytes?.(loaded)
    })
    const { data } = await source.read('image_encoder.pos_embed')
    await source.close()
    return { names: source.names.length, finite: data.every(Number.isFinite) }
  }
  const requests = async (): Promise<HubRequest[]> => (await (await fetch(`${host}/requests`)).json()) as HubRequest[]
  const whole = { names: 202, finite: true }
  beforeEach(async () => {
    await caches.delete('sam-hub')
    await requests()
  })

  it('downloads once, and sends the token to no other origin', async () => {
    expect(await open()).toEqual(whole)
    const first = await requests()
    const cdn = first.filter(r => r.at === 'cdn')
    expect(cdn).toHaveLength(1)
    expect(cdn[0].authorization).toBeUndefined()
    expect(first.filter(r => r.at === 'hub').every(r => r.authorization === 'Bearer secret')).toBe(true)

    expect(await open()).toEqual(whole)
    expect(await requests()).toHaveLength(1)
    expect(await open({ revision: commit })).toEqual(whole)
    expect(await requests()).toEqual([])
  })

  it('refuses a wrong token', async () => {
    await expect(open({ token: 'wrong' })).rejects.toMatchObject({ code: 'E_WEIGHTS_IO' })
  })

  it('resumes what an abort left', async () => {
    const controller = new AbortController()
    const stop = (loaded: number): void => {
      if (loaded > 0) controller.abort(new Error('enough'))
    }
    await expect(open({}, controller.signal, stop)).rejects.toThrow('enough')
    await requests()
    expect(await open()).toEqual(whole)
    const [{ range }] = (await requests()).filter(r => r.at === 'cdn')
    expect(range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('two loads at once download it once', async () => {
    expect(await Promise.all([open(), open()])).toEqual([whole, whole])
    expect((await requests()).filter(r => r.at === 'cdn')).toHaveLength(1)
  })

  it('removes a damaged part, and then begins again', async () => {
    const controller = new AbortController()
    await expect(open({}, controller.signal, n => n > 0 && controller.abort(new Error('enough')))).rejects.toThrow()
    const cache = await caches.open('sam-hub')
    const [part] = (await cache.keys()).filter(({ url }) => url.includes('model.safetensors?part=0'))
    const bytes = new Uint8Array(await (await cache.match(part))!.arrayBuffer())
    bytes[bytes.length >> 1] ^= 1
    await cache.put(part, new Response(bytes))
    await expect(open()).rejects.toThrow(/SHA-256/)
    expect(await open()).toEqual(whole)
  })
})
