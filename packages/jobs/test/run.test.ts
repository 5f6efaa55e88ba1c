import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackendError, configs, InputError } from '@sam/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { finishShard, JobError, openSource, runJob, type Source } from '../src/index.js'
import { finished, names, stubImages, workFolder } from './stub.js'
import { stubAnnotator, stubDescription, stubResults } from './stub-job.js'

const root = await workFolder()
let folder: string
let count = 0
beforeEach(async () => {
  folder = join(root, String(count++))
  await mkdir(folder)
})

/** A source of images, and where its results go. */
const setUp = async (images: number, poisoned: number[] = []): Promise<{ source: Source; out: string }> => ({
  source: await openSource(await stubImages(folder, images, poisoned)),
  out: join(folder, 'out')
})

describe('runJob', () => {
  it('does each image once, and puts the records together in order of their names', async () => {
    const { source, out } = await setUp(20)
    const results = await stubResults(out)
    const { annotate, computed } = stubAnnotator()
    const progress: number[] = []
    const end = await runJob(
      source,
      { images: source.images, results, annotate },
      { onProgress: p => progress.push(p.done) }
    )
    expect(end).toEqual({ total: 20, done: 20, failed: 0, computed: 20 })
    expect(progress).toEqual(Array.from({ length: 21 }, (_, i) => i))
    expect(computed.sort()).toEqual(names(20))
    expect((await finished(source, results)).map(({ image }) => image)).toEqual(names(20))
  })

  it('the same job twice: computes nothing, and the result has the same bytes', async () => {
    const { source, out } = await setUp(10, [3])
    const workplace = async (): Promise<Parameters<typeof runJob>[1] & { computed: string[] }> => ({
      images: source.images,
      results: await stubResults(out),
      ...stubAnnotator()
    })
    await runJob(source, await workplace())
    const { file } = await finishShard(source, await stubResults(out))
    const before = await readFile(join(out, file))
    const again = await workplace()
    expect(await runJob(source, again)).toEqual({ total: 10, done: 9, failed: 1, computed: 0 })
    expect(again.computed).toEqual([])
    await finishShard(source, again.results)
    expect(await readFile(join(out, file))).toEqual(before)
  })

  it('records a poisoned and a missing image, and tries them again on request', async () => {
    const { source, out } = await setUp(10, [4])
    await rm(join(folder, 'images', '7.jpg'))
    const results = await stubResults(out)
    const stub = stubAnnotator()
    const workplace = { images: source.images, results, annotate: stub.annotate }
    expect(await runJob(source, workplace)).toMatchObject({ done: 8, failed: 2 })
    const failures = (await finished(source, results)).filter(record => 'error' in record)
    expect(failures).toEqual([
      expect.objectContaining({ image: '4.jpg', error: { code: 'E_BAD_IMAGE', message: '4.jpg: poisoned' } }),
      expect.objectContaining({ image: '7.jpg', error: { code: 'E_BAD_IMAGE', message: '7.jpg: no such file' } })
    ])
    await writeFile(join(folder, 'images', '4.jpg'), 'healed')
    expect(await runJob(source, workplace, { retryFailed: true })).toMatchObject({ done: 9, failed: 1, computed: 1 })
    expect((await finished(source, results)).filter(record => 'error' in record)).toHaveLength(1)
  })

  it('does each image in exactly one of several shards', async () => {
    const { source, out } = await setUp(50)
    const found: string[] = []
    for (const index of [0, 1, 2]) {
      const results = await stubResults(out)
      const shard = { index, count: 3 }
      const { annotate } = stubAnnotator()
      await runJob(source, { images: source.images, results, annotate }, { shard })
      const lines = await finished(source, results, shard)
      expect(lines.length).toBeGreaterThan(5)
      found.push(...lines.map(({ image }) => image))
    }
    expect(found.sort()).toEqual(names(50))
  })

  it('several workers on one folder: every image has one record, and little is computed twice', async () => {
    const { source, out } = await setUp(60)
    const stubs = [stubAnnotator({ delay: 2 }), stubAnnotator({ delay: 2 }), stubAnnotator({ delay: 2 })]
    const ends = await Promise.all(
      stubs.map(async ({ annotate }) =>
        runJob(source, { images: source.images, results: await stubResults(out), annotate })
      )
    )
    // What two computed at the same moment, only one of them wrote.
    expect(ends.reduce((sum, { computed }) => sum + computed, 0)).toBe(60)
    for (const { done } of ends) expect(done).toBe(60)
    const times = stubs.flatMap(({ computed }) => computed).length
    expect(times).toBeLessThan(100)
    const lines = await finished(source, await stubResults(out))
    expect(lines.map(({ image }) => image)).toEqual(names(60))
  })

  it('stops at an error that would recur, and continues from there', async () => {
    const { source, out } = await setUp(20)
    const results = await stubResults(out)
    const stub = stubAnnotator()
    let left = 7
    const lost: typeof stub.annotate = async (...task) => {
      if (left-- === 0) throw new BackendError('E_DEVICE_LOST', 'lost')
      return stub.annotate(...task)
    }
    const images = source.images
    await expect(runJob(source, { images, results, annotate: lost })).rejects.toMatchObject({ code: 'E_DEVICE_LOST' })
    const option: typeof stub.annotate = async () => {
      throw new InputError('E_BAD_OPTION', 'pointsPerSide: …')
    }
    await expect(runJob(source, { images, results, annotate: option })).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    expect(await finishShard(source, results)).toMatchObject({
      failed: 0,
      done: 20 - (await finishShard(source, results)).missing
    })
    const done = 20 - (await finishShard(source, results)).missing
    expect(done).toBeGreaterThanOrEqual(6)
    expect(await runJob(source, { images, results, annotate: stub.annotate })).toMatchObject({
      done: 20,
      computed: 20 - done
    })
  })

  it('stops on an abort with its reason', async () => {
    const { source, out } = await setUp(20)
    const controller = new AbortController()
    const { annotate } = stubAnnotator({ delay: 1 })
    const running = runJob(
      source,
      { images: source.images, results: await stubResults(out), annotate },
      { signal: controller.signal, onProgress: ({ done }) => done > 3 && controller.abort(new Error('enough')) }
    )
    await expect(running).rejects.toThrow('enough')
  })
})

describe('Results', () => {
  it.each([
    ['settings', 'automatic: { pointsPerSide: 4 }', /other settings of 'automatic'/],
    ['a task', 'prompts: {}', /other settings of '(automatic|prompts)'/]
  ])('refuses the folder of a job with other %s', async (_, settings, message) => {
    const out = join(folder, 'out')
    await stubResults(out)
    await stubResults(out)
    await expect(stubResults(out, stubDescription(settings))).rejects.toThrow(
      expect.objectContaining({ code: 'E_OTHER_JOB', message: expect.stringMatching(message) })
    )
  })

  it('refuses the folder of a job with other weights or of another version; paths and formats do not matter', async () => {
    const out = join(folder, 'out')
    const { job, identity } = stubDescription()
    await stubResults(out)
    for (const [change, message] of [
      [{ weights: ['other'] }, 'other weights'],
      [{ version: '2' }, 'version 1 (this is 2)'],
      [{ settings: { ...identity.settings, config: configs.vit_b } }, "other settings of 'config'"],
      [{ settings: { ...identity.settings, clip: 'other' } }, "other settings of 'clip'"]
    ] as const)
      await expect(stubResults(out, { job, identity: { ...identity, ...change } })).rejects.toThrow(message)
    await stubResults(out, stubDescription('automatic: {}\ncheckpoint: a.pth\noutput: { format: yolo }'))
  })

  it('refuses a folder whose job.json is of something else', async () => {
    await mkdir(join(folder, 'out'))
    await writeFile(join(folder, 'out', 'job.json'), '{"jobs":[]}')
    await expect(stubResults(join(folder, 'out'))).rejects.toThrow(/job\.json must describe a job/)
  })

  it('never changes a record, and removes what killed processes left', async () => {
    const { source, out } = await setUp(3)
    const results = await stubResults(out)
    const { annotate } = stubAnnotator()
    const [task] = source.tasks
    const record = await annotate(task, new Uint8Array(1))
    expect([await results.add(record), await results.add({ ...record, width: 9 })]).toEqual([true, false])
    expect(await results.read(task)).toEqual(record)
  })

  it('a full disk stops the job with E_STORAGE', async () => {
    const { source } = await setUp(3)
    // Every write to this device fails as on a full disk.
    const results = await stubResults(join(folder, 'out'))
    const full = {
      ...results.storage,
      create: async () => Promise.reject(new JobError('E_STORAGE', 'cannot write: the disk is full'))
    }
    Object.assign(results, { storage: full })
    const { annotate } = stubAnnotator()
    await expect(runJob(source, { images: source.images, results, annotate })).rejects.toMatchObject({
      code: 'E_STORAGE'
    })
    expect(await results.failed()).toEqual(new Set())
  })
})

describe('openSource', () => {
  it('finds images in folders, without hidden ones, and each line of a manifest once', async () => {
    const images = await stubImages(folder, 2)
    await mkdir(join(images, 'more', '.hidden'), { recursive: true })
    for (const name of ['more/a.PNG', 'more/.b.png', 'more/.hidden/c.png', 'notes.txt'])
      await writeFile(join(images, name), '')
    const namesIn = async (...given: Parameters<typeof openSource>): Promise<string[]> =>
      (await openSource(...given)).tasks.map(({ image }) => image)
    expect(await namesIn(images)).toEqual(['0.jpg', '1.jpg', 'more/a.PNG'])
    await writeFile(join(folder, 'list.txt'), '1.jpg\n0.jpg\n1.jpg\n')
    expect(await namesIn(join(folder, 'list.txt'), { images })).toEqual(['0.jpg', '1.jpg'])
  })

  it('an image outside the folder is a failure of that image', async () => {
    const out = join(folder, 'out')
    const lines = ['../secret.jpg', '/etc/passwd', 'a/../../b.jpg', 'C:\\x.jpg', '0.jpg']
    await stubImages(folder, 1)
    await writeFile(join(folder, 'images', 'list.txt'), lines.join('\n'))
    const source = await openSource(join(folder, 'images', 'list.txt'))
    const { annotate, computed } = stubAnnotator()
    const end = await runJob(source, { images: source.images, results: await stubResults(out), annotate })
    expect([end.done, end.failed, computed]).toEqual([1, 4, ['0.jpg']])
  })

  it.each([
    ['nowhere', /must be a folder, s3:\/\/BUCKET\/PREFIX, or a manifest/],
    ['empty', /must hold images, found none/],
    ['no.jsonl', /no such file/]
  ])('refuses %s', async (name, message) => {
    await mkdir(join(folder, 'empty'))
    await expect(openSource(join(folder, name))).rejects.toThrow(message)
  })
})
