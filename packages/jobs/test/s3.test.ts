import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import S3rver from 's3rver'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { finishShard, openSource, openStorage, runJob } from '../src/index.js'
import { names, stubImages, workFolder } from './stub.js'
import { stubAnnotator, stubResults } from './stub-job.js'

const folder = await workFolder()

const useEndpoint = (port: number): void => {
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'S3RVER')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER')
}

describe('on an S3-compatible server', () => {
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(folder, 's3'),
    configureBuckets: [{ name: 'bucket', configs: [] }]
  })
  beforeAll(async () => {
    await mkdir(join(folder, 's3'))
    useEndpoint((await server.run()).port)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await server.close()
  })

  it('reads, lists, replaces and removes files, with any name', async () => {
    const storage = await openStorage('s3://bucket/some prefix/')
    expect(storage.location).toBe('s3://bucket/some prefix')
    const all = ['a b+c.jpg', 'ü/ö.jpg', "x&y'(1).png", '100%.png']
    for (const name of all) await storage.replace(name, [Buffer.from(name)])
    const found: string[] = []
    for await (const name of storage.list('')) found.push(name)
    expect(found.sort()).toEqual([...all].sort())
    for (const name of all) {
      expect(Buffer.from((await storage.read(name))!).toString()).toBe(name)
      expect(await storage.has(name)).toBe(true)
    }
    await storage.remove('a b+c.jpg')
    expect([await storage.has('a b+c.jpg'), await storage.read('a b+c.jpg')]).toEqual([false, undefined])
    await expect(storage.read('../other')).rejects.toMatchObject({ code: 'E_BAD_IMAGE' })
  })

  it('a job: images and results on S3, continued, each image once', async () => {
    const images = await stubImages(folder, 30, [3])
    const up = await openStorage('s3://bucket/job/images')
    for (const name of names(30)) await up.replace(name, [await readFile(join(images, name))])
    await up.replace('list.jsonl', [Buffer.from(names(30).join('\n'))])
    const out = 's3://bucket/job/out'
    const source = await openSource('s3://bucket/job/images')
    expect((await openSource('s3://bucket/job/images/list.jsonl')).tasks).toEqual(source.tasks)
    const stop = new AbortController()
    const run = async (signal?: AbortSignal) => {
      const { annotate } = stubAnnotator()
      const onProgress = ({ done }: { done: number }): void => {
        if (signal && done > 10) stop.abort(new Error('stopped'))
      }
      return runJob(
        source,
        { images: source.images, results: await stubResults(out), annotate },
        { signal, onProgress }
      )
    }
    await expect(run(stop.signal)).rejects.toThrow('stopped')
    const end = await run()
    expect(end).toMatchObject({ total: 30, done: 29, failed: 1 })
    expect(end.computed).toBeLessThan(20)
    const results = await stubResults(out)
    const { file } = await finishShard(source, results)
    const lines = Buffer.from((await results.storage.read(file))!)
      .toString()
      .trimEnd()
      .split('\n')
    expect(lines.map(line => (JSON.parse(line) as { image: string }).image)).toEqual(names(30))
  })

  it('reports a bucket that is not there', async () => {
    await expect(openSource('s3://nowhere/x')).rejects.toMatchObject({
      code: 'E_STORAGE',
      message: expect.stringMatching(/404 NoSuchBucket/)
    })
  })
})

describe('requests', () => {
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  const server = createServer((request, response) => {
    request.resume()
    answer(request, response)
  })
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    useEndpoint((server.address() as AddressInfo).port)
  })
  afterEach(() => useEndpoint((server.address() as AddressInfo).port))
  afterAll(() => {
    vi.unstubAllEnvs()
    server.close()
  })

  it('a record is written on the condition that there is none', async () => {
    const seen: (string | undefined)[] = []
    answer = ({ method, headers }, response) => {
      seen.push(`${method} ${headers['if-none-match']}`)
      response.writeHead(seen.length === 1 ? 200 : 412).end()
    }
    const storage = await openStorage('s3://bucket')
    expect([await storage.create('a', Buffer.from('1')), await storage.create('a', Buffer.from('2'))]).toEqual([
      true,
      false
    ])
    expect(seen).toEqual(['PUT *', 'PUT *'])
  })

  it('lists in parts, with names that are encoded as URLs', async () => {
    const seen: (string | null)[] = []
    answer = ({ url }, response) => {
      const { searchParams } = new URL(url!, 'http://localhost')
      seen.push(searchParams.get('continuation-token'))
      const [keys, next] =
        seen.length === 1 ? ['<Key>p/a+b%2Bc.jpg</Key>', 'to&amp;ken'] : ['<Key>p/%C3%BC.jpg</Key><Key>p/.x</Key>', '']
      response.end(
        `<ListBucketResult><EncodingType>url</EncodingType>${keys}${next && `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`
      )
    }
    const found: string[] = []
    for await (const name of (await openStorage('s3://bucket/p')).list('')) found.push(name)
    expect([found, seen]).toEqual([
      ['a b+c.jpg', 'ü.jpg'],
      [null, 'to&ken']
    ])
  })

  it('tries again where the server is busy, and gives up with its answer', async () => {
    let requests = 0
    answer = (_, response) => response.writeHead(requests++ < 2 ? 503 : 200).end('x')
    const storage = await openStorage('s3://bucket')
    expect(Buffer.from((await storage.read('a'))!).toString()).toBe('x')
    expect(requests).toBe(3)
    answer = (_, response) => response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
    await expect(storage.read('a')).rejects.toMatchObject({
      code: 'E_STORAGE',
      message: expect.stringMatching(/403 AccessDenied/)
    })
  })

  it.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('needs %s', async name => {
    vi.stubEnv(name, '')
    await expect(openStorage('s3://bucket')).rejects.toThrow(/AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
  })
})
