/**
 * The queue, on a real Redis, with workers in processes of their own. Skipped, and said so, where there is no Redis and
 * it cannot be unpacked; `npm run verify:queue` (SAM_REDIS=required) fails then.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { findRedis, startRedis, type RedisServer } from '../../../tools/redis/index.js'
import { openSource, openStorage, runOnQueue, startWorker, TaskQueue, type Results, type Source } from '../src/index.js'
import { connect } from '../src/queue/connect.js'
import { startChild } from './child.js'
import { finished, names, stubImages, workFolder } from './stub.js'
import { stubAnnotator, stubResults } from './stub-job.js'

const redis = findRedis()
if ('missing' in redis) {
  if (process.env.SAM_REDIS === 'required') throw new Error(redis.missing)
  console.warn(`The tests of the queue are skipped: ${redis.missing}`)
}

describe.skipIf('missing' in redis)('the queue', async () => {
  const root = await workFolder()
  await mkdir(join(root, 'redis'))
  const server =
    'missing' in redis ? (undefined as unknown as RedisServer) : await startRedis(redis, join(root, 'redis'))
  afterAll(() => server?.kill())

  let folder: string
  let count = 0
  beforeEach(async () => {
    folder = join(root, String(count++))
    await mkdir(folder)
  })

  /** Images, where their results go, and a queue; `run` waits for workers. */
  const setUp = async (images: number, poisoned: number[] = []) => {
    const source: Source = await openSource(await stubImages(folder, images, poisoned))
    const results: Results = await stubResults(join(folder, 'out'))
    const queue = await TaskQueue.open(server.url)
    const run = (options: Parameters<typeof runOnQueue>[2] = {}) =>
      runOnQueue(source, { results, queue }, { pollInterval: 20, retries: { backoff: 50 }, ...options }).finally(() =>
        queue.close()
      )
    return { source, results, queue, run }
  }
  /** A worker in this process. */
  const worker = async (options: Partial<Parameters<typeof startWorker>[1]> = {}) => {
    const stub = stubAnnotator()
    const started = await startWorker(server.url, {
      open: async ({ images, results }) => ({
        images: await openStorage(images),
        results: await stubResults(results),
        annotate: stub.annotate
      }),
      stalledAfter: 1000,
      ...options
    })
    return { ...stub, close: () => started.close() }
  }

  it('does each image once, records a poisoned one, and lists it as a dead letter', async () => {
    const { source, results, run } = await setUp(30, [5])
    const { computed, close } = await worker()
    const seen: number[] = []
    expect(await run({ onProgress: ({ done }) => seen.push(done) })).toEqual({
      total: 30,
      done: 29,
      failed: 1,
      computed: 29
    })
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(computed.sort()).toEqual(names(30))
    const lines = await finished(source, results)
    expect(lines.map(({ image }) => image)).toEqual(names(30))
    expect(lines.filter(line => 'error' in line)).toEqual([
      expect.objectContaining({ image: '5.jpg', error: { code: 'E_BAD_IMAGE', message: '5.jpg: poisoned' } })
    ])

    const queue = await TaskQueue.open(server.url)
    const dead = []
    for await (const letter of queue.deadLetters()) dead.push(letter)
    expect(dead).toEqual([
      expect.objectContaining({
        task: expect.objectContaining({ image: '5.jpg' }),
        attempts: 1,
        reason: expect.stringContaining('image failed')
      })
    ])
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 1 })
    await queue.close()

    // The image is repaired: the same run with retryFailed does it.
    await writeFile(join(folder, 'images', '5.jpg'), 'healed')
    const again = await TaskQueue.open(server.url)
    const end = await runOnQueue(source, { results, queue: again }, { retryFailed: true, pollInterval: 20 })
    expect(end).toEqual({ total: 30, done: 30, failed: 0, computed: 1 })
    await again.close()
    await close()
  })

  it('the same job twice at the same time: one computation per image', async () => {
    const { source, results, run } = await setUp(40)
    const other = await TaskQueue.open(server.url)
    const { computed, close } = await worker()
    const ends = await Promise.all([run(), runOnQueue(source, { results, queue: other }, { pollInterval: 20 })])
    expect(ends.map(({ done }) => done)).toEqual([40, 40])
    expect(computed.sort()).toEqual(names(40))
    expect((await finished(source, results)).map(({ image }) => image)).toEqual(names(40))
    await Promise.all([other.close(), close()])
  })

  it('tries again after an error that is not of the image, and gives up in the end', async () => {
    const { source, results, run } = await setUp(3)
    let left = 2
    const stub = stubAnnotator()
    const tries: string[] = []
    const { close } = await worker({
      open: async ({ images }) => ({
        images: await openStorage(images),
        results,
        annotate: async (task, ...rest) => {
          tries.push(task.image)
          const { BackendError } = await import('@sam/core')
          if (task.image === '0.jpg' && left-- > 0) throw new BackendError('E_OUT_OF_MEMORY', 'no memory')
          if (task.image === '1.jpg') throw new BackendError('E_DEVICE_LOST', 'lost')
          return stub.annotate(task, ...rest)
        }
      })
    })
    expect(await run({ retries: { attempts: 3, backoff: 20 } })).toMatchObject({ done: 2, failed: 1 })
    expect(tries.sort()).toEqual(['0.jpg', '0.jpg', '0.jpg', '1.jpg', '1.jpg', '1.jpg', '2.jpg'])
    const failures = (await finished(source, results)).filter(line => 'error' in line)
    expect(failures).toEqual([expect.objectContaining({ image: '1.jpg', error: { code: 'E_QUEUE', message: 'lost' } })])
    await close()
  })

  it('limits the rate of all workers together', async () => {
    const { run } = await setUp(25)
    const workers = await Promise.all([worker({ rate: 10 }), worker({ rate: 10 })])
    const begun = performance.now()
    await run()
    expect(performance.now() - begun).toBeGreaterThan(1500)
    await Promise.all(workers.map(({ close }) => close()))
  })

  it('kill -9 of a worker in the middle of 200 images: another one does its tasks', async () => {
    const { source, results, run } = await setUp(200)
    const [one, other] = [startChild(['worker', server.url]), startChild(['worker', server.url])]
    await Promise.all([one.wrote(1), other.wrote(1)])
    const running = run()
    await one.wrote(60)
    await one.kill('SIGKILL')
    expect(await running).toMatchObject({ total: 200, done: 200, failed: 0 })
    await other.kill('SIGTERM')
    expect((await finished(source, results)).map(({ image }) => image)).toEqual(names(200))
    // Only what was in work when the worker was killed was computed twice: at most its concurrency.
    const computed = [...one.lines, ...other.lines].filter(line => line !== 'ready')
    expect(computed.length - new Set(computed).size).toBeLessThanOrEqual(2)
  })

  it('an image that ends its worker is given up after three workers', async () => {
    const { source, results, run } = await setUp(10)
    await writeFile(join(folder, 'images', '3.jpg'), 'deadly')
    const running = run()
    const children = []
    for (let i = 0; i < 3; i++) {
      const child = startChild(['worker', server.url])
      children.push(child)
      expect(await child.ended(), 'killed').toBe(null)
    }
    const last = startChild(['worker', server.url])
    expect(await running).toMatchObject({ done: 9, failed: 1 })
    await last.kill('SIGTERM')
    const failures = (await finished(source, results)).filter(line => 'error' in line)
    expect(failures).toEqual([
      expect.objectContaining({
        image: '3.jpg',
        error: { code: 'E_QUEUE', message: '3 processes ended while they worked on this image' }
      })
    ])
  })

  it('kill -9 of Redis in the middle of 200 images, and again with its data lost: the run goes on', async () => {
    const { source, results, run } = await setUp(200)
    const child = startChild(['worker', server.url])
    await child.wrote(1)
    const running = run()
    await child.wrote(50)
    await server.kill()
    await server.start()
    await child.wrote(120)
    await flush(server.url)
    expect(await running).toMatchObject({ total: 200, done: 200, failed: 0 })
    await child.kill('SIGTERM')
    expect((await finished(source, results)).map(({ image }) => image)).toEqual(names(200))
    const computed = child.lines.filter(line => line !== 'ready')
    expect(computed.length - new Set(computed).size).toBeLessThanOrEqual(4)
  })

  it.each([
    ['redis://:secret@127.0.0.1:1', /^redis:.*127\.0\.0\.1:1.*cannot connect to Redis: .*ECONNREFUSED/],
    ['http://127.0.0.1', /a queue must be redis:\/\/HOST:PORT/]
  ])('refuses %s, without its password', async (url, message) => {
    const error: unknown = await TaskQueue.open(url).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'E_QUEUE', message: expect.stringMatching(message) })
    expect((error as Error).message).not.toContain('secret')
  })
})

/** Deletes everything in a Redis. */
async function flush(url: string): Promise<void> {
  const connection = await connect(url)
  await connection.redis.flushall()
  await connection.close()
}
