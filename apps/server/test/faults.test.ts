import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { encodePng } from '@sam/core'
import { afterEach, describe, expect, it, vi, type TestContext } from 'vitest'
import { mountSmallDisk, type SmallDisk } from '../../../tools/small-disk.js'
import { models, photo, post, sam, send, tinyServer, upload } from './tiny-server.js'

const folderFor = (name: string): Promise<string> => mkdtemp(join(tmpdir(), `sam-${name}-`))
const metricsOf = async (server: Parameters<typeof send>[0]): Promise<string> => (await send(server, '/metrics')).text()

/** A small image of its own. */
const image = (shade: number): Promise<Uint8Array> =>
  encodePng({ width: 64, height: 48, channels: 3, data: new Uint8Array(64 * 48 * 3).fill(shade) })

const box = { prompts: [{ box: [8, 8, 40, 40] }] }

describe('the disk cache', () => {
  it('keeps images beyond a restart, with their photo', async () => {
    const folder = await folderFor('restart')
    const first = await tinyServer({ cache: { folder } })
    const { id } = await upload(first)
    const before = await (await post(first, `/v1/images/${id}/predict`, box)).json()
    await first.close()
    const second = await tinyServer({ cache: { folder } })
    expect(await (await post(second, `/v1/images/${id}/predict`, box)).json()).toEqual(before)
    const crops = await post(second, `/v1/images/${id}/generate`, { options: { pointsPerSide: 2, cropNLayers: 1 } })
    expect(await crops.text()).not.toContain('error')
    await upload(second)
    expect(await metricsOf(second)).not.toContain('found="encoded"')
  })

  it('answers 404 to crops of an image whose photo is gone, before the stream begins', async () => {
    const folder = await folderFor('photo')
    const { id } = await upload(await tinyServer({ cache: { folder } }))
    for (const name of (await readdir(folder)).filter(name => name.endsWith('.photo'))) await rm(join(folder, name))
    const server = await tinyServer({ cache: { folder } })
    const generate = (cropNLayers: number) =>
      post(server, `/v1/images/${id}/generate`, { options: { pointsPerSide: 2, cropNLayers } })
    expect((await generate(1)).status).toBe(404)
    expect((await generate(0)).status).toBe(200)
    await upload(server) // what the client does then; the embedding is still there
    expect((await generate(1)).status).toBe(200)
    expect(await readdir(folder)).toHaveLength(2)
    expect(await metricsOf(server)).not.toContain('found="encoded"')
  })

  it('is shared by two servers at the same time', async () => {
    const folder = await folderFor('shared')
    const servers = [await tinyServer({ cache: { folder } }), await tinyServer({ cache: { folder } })]
    const images = await Promise.all(Array.from({ length: 4 }, (_, i) => image(20 * i)))
    const ids = await Promise.all(servers.map(server => Promise.all(images.map(bytes => upload(server, bytes)))))
    expect(ids[0]).toEqual(ids[1])
    const third = await tinyServer({ cache: { folder } })
    for (const { id } of ids[0]) expect((await post(third, `/v1/images/${id}/predict`, box)).status).toBe(200)
    expect((await readdir(folder)).filter(name => !/^[0-9a-f]{64}\.(embedding|photo)$/.test(name))).toEqual([])
  })

  it('keeps the images of another model or device apart', async () => {
    const folder = await folderFor('models')
    const server = await tinyServer({ models: { ...models, other: { sam, device: 'other' } }, cache: { folder } })
    const one = await upload(server)
    const response = await send(server, '/v1/images?model=other', {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: photo as BodyInit
    })
    const other = (await response.json()) as { id: string }
    expect(other.id.slice('other-'.length)).not.toBe(one.id.slice('tiny-'.length))
  })

  it('a damaged file is removed, and the image encoded again', async () => {
    const folder = await folderFor('damaged')
    const { id } = await upload(await tinyServer({ cache: { folder } }))
    const file = join(folder, `${id.slice('tiny-'.length)}.embedding`)
    const { size } = await stat(file)
    await truncate(file, size / 2)
    const server = await tinyServer({ cache: { folder } })
    expect((await post(server, `/v1/images/${id}/predict`, box)).status).toBe(404)
    expect((await upload(server)).id).toBe(id)
    expect((await stat(file)).size).toBe(size)
    expect(await metricsOf(server)).toContain('sam_disk_cache_failures_total 1')
  })

  it('that cannot be written to costs nothing but the cache', async () => {
    const folder = await folderFor('full')
    const server = await tinyServer({ cache: { folder } })
    await rm(folder, { recursive: true })
    await writeFile(folder, 'no folder any more') // root may write anywhere: this fails for root too
    const { id } = await upload(server)
    expect((await post(server, `/v1/images/${id}/predict`, box)).status).toBe(200)
    expect(await metricsOf(server)).toMatch(/sam_disk_cache_failures_total [1-9]/)
    await rm(folder)
    await mkdir(folder)
    await upload(server, await image(7)) // there is room again
    expect(await readdir(folder)).toHaveLength(2)
  })

  it('deletes what was not used for longest, within its limit', async () => {
    const folder = await folderFor('limit')
    const { id } = await upload(await tinyServer({ cache: { folder } }), await image(1))
    const { size } = await stat(join(folder, `${id.slice('tiny-'.length)}.embedding`))
    const diskBytes = Math.round(size * 4.5)
    const server = await tinyServer({ cache: { folder, diskBytes } })
    const ids: string[] = []
    for (let i = 2; i < 12; i++) ids.push((await upload(server, await image(i * 9))).id.slice('tiny-'.length))
    const left = await readdir(folder)
    const bytes = await Promise.all(left.map(async name => (await stat(join(folder, name))).size))
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(diskBytes + size)
    expect(left).toContain(`${ids.at(-1)!}.embedding`)
    expect(left).not.toContain(`${ids[0]}.embedding`)
  })
})

describe('a cache on a full disk', () => {
  const disks: SmallDisk[] = []
  afterEach(() => disks.splice(0).forEach(disk => disk.remove()))
  const smallDisk = async ({ skip }: TestContext): Promise<SmallDisk> => {
    const disk = (await mountSmallDisk(await folderFor('disk'), 1024)) ?? skip('mounts are not permitted here')
    disks.push(disk)
    return disk
  }
  const filesOf = async ({ folder }: SmallDisk): Promise<string[]> =>
    (await readdir(folder)).filter(name => name !== 'filler').sort()
  const statusOf = async (server: Parameters<typeof post>[0], { id }: { id: string }): Promise<number> =>
    (await post(server, `/v1/images/${id}/predict`, box)).status

  it('costs nothing but the cache: said once, no file half written, and in use again when there is room', async context => {
    const disk = await smallDisk(context)
    const { folder } = disk
    const said: { level: string; msg: string; error?: { message: string } }[] = []
    const log = {
      write(line: string) {
        const entry = JSON.parse(line) as (typeof said)[0]
        if (/disk/.test(entry.msg)) said.push(entry)
      }
    }
    const server = await tinyServer({ cache: { folder }, logLevel: 'info', log })
    const before = await upload(server, await image(1))
    const files = await filesOf(disk)
    expect(files).toHaveLength(2)

    await disk.fill(8) // a photo fits, its embedding does not
    const images = await Promise.all([40, 80, 120, 160].map(image))
    const during = await Promise.all(images.map(bytes => upload(server, bytes)))
    for (const one of [before, ...during]) expect(await statusOf(server, one)).toBe(200)
    expect(await filesOf(disk)).toEqual(files)
    expect(said).toMatchObject([{ level: 'warn', error: { message: expect.stringMatching(/: the disk is full$/) } }])
    expect(await metricsOf(server)).toContain('sam_disk_cache_failures_total 4')

    const restarted = await tinyServer({ cache: { folder } })
    expect(await statusOf(restarted, before)).toBe(200)
    expect(await statusOf(restarted, during[0])).toBe(404)
    expect(await upload(restarted, images[0])).toEqual(during[0])
    expect(await statusOf(restarted, during[0])).toBe(200)

    await disk.free()
    const after = [await upload(server, await image(200)), await upload(server, await image(220))]
    expect(said.slice(1)).toMatchObject([{ level: 'info', msg: 'the disk cache is in use again' }])
    expect(await filesOf(disk)).toHaveLength(6)
    for (const one of [before, ...after]) expect(await statusOf(await tinyServer({ cache: { folder } }), one)).toBe(200)
  })

  it('which two servers share: both answer, what is on it stays, and both use it again', async context => {
    const disk = await smallDisk(context)
    const { folder } = disk
    const servers = [await tinyServer({ cache: { folder } }), await tinyServer({ cache: { folder } })]
    const before = await upload(servers[0], await image(1))
    const files = await filesOf(disk)
    await disk.fill(8)
    const images = await Promise.all([40, 80, 120].map(image))
    const during = await Promise.all(servers.map(server => Promise.all(images.map(bytes => upload(server, bytes)))))
    expect(during[0]).toEqual(during[1])
    for (const server of servers)
      for (const one of [before, ...during[0]]) expect(await statusOf(server, one)).toBe(200)
    expect(await filesOf(disk)).toEqual(files)
    await disk.free()
    const after = [await upload(servers[0], await image(200)), await upload(servers[1], await image(220))]
    expect(await filesOf(disk)).toHaveLength(6)
    expect(await Promise.all(after.map((one, i) => statusOf(servers[1 - i], one)))).toEqual([200, 200])
  })

  it('which has lost the photo of an image: a new upload brings it back, for crops', async context => {
    const disk = await smallDisk(context)
    const { folder } = disk
    const bytes = await image(60)
    const { id } = await upload(await tinyServer({ cache: { folder } }), bytes)
    await rm(join(folder, `${id.slice('tiny-'.length)}.photo`))
    await disk.fill()
    const server = await tinyServer({ cache: { folder } })
    expect(await statusOf(server, { id })).toBe(200)
    await upload(server, bytes)
    const crops = await post(server, `/v1/images/${id}/generate`, { options: { pointsPerSide: 2, cropNLayers: 1 } })
    expect(await crops.text()).not.toContain('error')
    expect(await metricsOf(server)).not.toContain('found="encoded"')
  })
})

describe('the memory cache', () => {
  it('frees the least recently used image, but not while it is used', async () => {
    const server = await tinyServer({ cache: { memoryBytes: 1 } }) // no image fits
    const { id } = await upload(server)
    expect((await post(server, `/v1/images/${id}/predict`, box)).status).toBe(404)
    const folder = await folderFor('memory')
    const onDisk = await tinyServer({ cache: { memoryBytes: 1, folder } })
    await upload(onDisk)
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post(onDisk, `/v1/images/${id}/predict`, box).then(({ status }) => status))
    )
    expect(answers).toEqual([200, 200, 200, 200, 200, 200])
  })
})

describe('requests that wait', () => {
  it('do not hold the images that are on disk', async () => {
    const folder = await folderFor('waiting')
    const server = await tinyServer({ cache: { memoryBytes: 1, folder } }) // no image fits
    const ids: string[] = []
    for (let i = 0; i < 12; i++) ids.push((await upload(server, await image(i * 20))).id)
    let [held, most] = [0, 0]
    const load = sam.load.bind(sam)
    const loads = vi.spyOn(sam, 'load').mockImplementation(async (...args) => {
      const loaded = await load(...args)
      const dispose = loaded.dispose.bind(loaded)
      most = Math.max(most, ++held)
      return Object.assign(loaded, { dispose: () => (held--, dispose()) })
    })
    const answers = await Promise.all(ids.map(id => post(server, `/v1/images/${id}/predict`, box)))
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200))
    expect(loads).toHaveBeenCalledTimes(12)
    expect(most).toBeLessThanOrEqual(4) // two in work, and two that are being let go of
    await vi.waitFor(() => expect(held).toBe(0))
    loads.mockRestore()
  })
})

describe('a server that is killed (SIGKILL)', () => {
  it('leaves whole files, from which the next one answers', async () => {
    const folder = await folderFor('kill')
    const child = await startServer(folder)
    const found: string[] = []
    const uploads = (async () => {
      for (let i = 0; i < 40; i++) {
        const response = await fetch(`${child.url}/v1/images`, {
          method: 'POST',
          headers: { 'content-type': 'image/png' },
          body: (await image(i * 6)) as BodyInit
        }).catch(() => undefined)
        if (!response?.ok) return
        found.push(((await response.json()) as { id: string }).id)
        if (i === 5) child.process.kill('SIGKILL')
      }
    })()
    await uploads.finally(() => child.process.kill('SIGKILL'))
    expect(found.length).toBeGreaterThanOrEqual(5)
    const server = await tinyServer({ cache: { folder } })
    // What was answered is there; what is there is whole.
    for (const id of found) expect((await post(server, `/v1/images/${id}/predict`, box)).status).toBe(200)
    for (const name of await readdir(folder))
      if (name.endsWith('.embedding')) (await sam.load(new Uint8Array(await readFile(join(folder, name))))).dispose()
  })
})

describe('a client', () => {
  it('that leaves does not keep the encoder busy', async () => {
    const server = await tinyServer()
    const url = await server.listen({ port: 0 })
    const send = async (i: number, signal?: AbortSignal): Promise<Response> =>
      fetch(`${url}/v1/images`, {
        method: 'POST',
        headers: { 'content-type': 'image/png' },
        body: (await image(i)) as BodyInit,
        ...(signal && { signal })
      })
    const gone = new AbortController()
    const left = Array.from({ length: 12 }, (_, i) => send(i * 20, gone.signal).catch(() => 'left'))
    const stays = send(255)
    await vi.waitFor(async () => expect(await metricsOf(server)).toMatch(/work="encode"} [1-9]/), 60_000)
    gone.abort()
    expect((await stays).status).toBe(200)
    expect(new Set(await Promise.all(left))).toContain('left')
    await vi.waitFor(async () => expect(await metricsOf(server)).toContain('work="encode"} 0'), 60_000)
    const encoded = Number(/found="encoded"} (\d+)/.exec(await metricsOf(server))![1])
    expect(encoded).toBeLessThan(13)
  })

  it('whose image is needed by another as well may leave', async () => {
    const server = await tinyServer()
    const url = await server.listen({ port: 0 })
    const gone = new AbortController()
    const init = { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body: photo as BodyInit }
    const first = fetch(`${url}/v1/images`, { ...init, signal: gone.signal }).catch(() => 'left')
    const second = fetch(`${url}/v1/images`, init)
    setTimeout(() => gone.abort(), 20)
    await first
    expect((await second).status).toBe(200)
  })

  it('that is slow with its headers or its body is given up', async () => {
    const server = await tinyServer({ limits: { headerTime: 300 } })
    const { port } = new URL(await server.listen({ port: 0 }))
    const answers = [
      'POST /v1/images HTTP/1.1\r\nHost: loc',
      'POST /v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 9000\r\n\r\nabc'
    ].map(
      text =>
        new Promise<string>(done => {
          const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
          const drip = setInterval(() => socket.write('x'), 100)
          let answer = ''
          socket.on('data', chunk => (answer += chunk.toString()))
          socket.on('error', () => {})
          socket.on('close', () => {
            clearInterval(drip)
            done(answer)
          })
        })
    )
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^(?:HTTP\/1.1 408|$)/)
  }, 20_000)

  it('whose request takes too long gets 504, and its turn is given up', async () => {
    const folder = await folderFor('time')
    const { id: known } = await upload(await tinyServer({ cache: { folder } }))
    const server = await tinyServer({ limits: { time: 200 }, cache: { folder } })
    const options = { pointsPerSide: 128, predIouThresh: 0, stabilityScoreThresh: 0 }
    const text = await (await post(server, `/v1/images/${known}/generate`, { options })).text()
    expect(JSON.parse(text.trimEnd().split('\n').at(-1)!)).toMatchObject({ error: { code: 'E_TIME_LIMIT' } })
    expect(await metricsOf(server)).toContain('work="generate"} 0')
  })
})

describe('too many requests', () => {
  it('get 429 with the time to wait, and the others their answer', async () => {
    const server = await tinyServer({ limits: { waiting: 2 } })
    const responses = await Promise.all(
      Array.from({ length: 12 }, async (_, i) =>
        send(server, '/v1/images', {
          method: 'POST',
          headers: { 'content-type': 'image/png' },
          body: (await image(i * 20)) as BodyInit
        })
      )
    )
    const statuses = responses.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    const busy = responses.find(({ status }) => status === 429)!
    expect(Number(busy.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await busy.json()).toMatchObject({ error: { code: 'E_BUSY' } })
  })
})

describe('a batch of encodes', () => {
  it('gives the embeddings of single runs, and a poisoned image fails alone', async () => {
    const server = await tinyServer({ batch: { size: 4, window: 50 } })
    const bad = photo.slice(0, photo.length / 2)
    const files = [await image(10), bad, await image(90), await image(200)]
    const responses = await Promise.all(
      files.map(body =>
        send(server, '/v1/images', { method: 'POST', headers: { 'content-type': 'image/png' }, body: body as BodyInit })
      )
    )
    expect(responses.map(({ status }) => status)).toEqual([200, 422, 200, 200])
    const { id } = (await responses[2].json()) as { id: string }
    const answer = (await (await post(server, `/v1/images/${id}/predict`, box)).json()) as {
      predictions: { masks: { segmentation: unknown }[] }[]
    }
    const local = await sam.encode(files[2])
    const [wanted] = (await local.predict({ box: [8, 8, 40, 40] })).masks
    expect(answer.predictions[0].masks[0].segmentation).toEqual(wanted.toCocoRle())
    local.dispose()
  })
})

describe('close', () => {
  it('finishes what was begun, refuses what comes, and says that it is not ready', async () => {
    const server = await tinyServer()
    const url = await server.listen({ port: 0 })
    const { id } = await upload(server)
    const running = fetch(`${url}/v1/images/${id}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ options: { pointsPerSide: 6 } })
    })
    expect((await running).status).toBe(200)
    const closing = server.close({ grace: 600_000 })
    expect((await send(server, '/ready')).status).toBe(503)
    const refused = await post(server, `/v1/images/${id}/predict`, box)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    const lines = (await (await running).text()).trimEnd().split('\n')
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ done: 36, total: 36 })
    await closing // also with the connection that `fetch` keeps, which is idle now: else it takes 65 s
    await expect(fetch(`${url}/health`)).rejects.toThrow()
  }, 60_000)
})

/** A server in a process of its own. */
async function startServer(folder: string): Promise<{ url: string; process: ChildProcess }> {
  const script = resolve(import.meta.dirname, 'served.ts')
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../../tools/run.js'), script, folder], {
    cwd: resolve(import.meta.dirname, '../../..'),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const url = await new Promise<string>((done, fail) => {
    child.stdout.once('data', (text: Buffer) => done(text.toString().trim()))
    child.once('exit', code => fail(new Error(`the server ended with ${code}`)))
  })
  return { url, process: child }
}
