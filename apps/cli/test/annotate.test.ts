import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { fileURLToPath } from 'node:url'
import { configs } from '@sam/core'
import { digestOf, parseJob } from '@sam/jobs'
import { tinyModel } from '@sam/model-tiny'
import type { Context } from '../src/context.js'
import { describeJob } from '../src/job.js'
import { findRedis, startRedis } from '../../../tools/redis/index.js'
import { fixture, sam, tinyPhoto, workFolder } from './sam.js'

interface Line {
  readonly image: string
  readonly error?: { readonly code: string }
  readonly objects: readonly { readonly segmentation: object; readonly category?: string; readonly prompt?: number }[]
}

it('the identity of a job: changes with the configuration and the tokenizer of its CLIP', async () => {
  const folder = join(await workFolder(), 'clip')
  const { weights, config, tokenizer } = tinyModel().clip.model
  await mkdir(folder)
  for (const [name, url] of Object.entries({
    'model.safetensors': weights,
    'config.json': config,
    'tokenizer.json': tokenizer
  }))
    await cp(fileURLToPath(url), join(folder, name))
  const digest = async (): Promise<string> => {
    const job = parseJob(JSON.stringify({ model: 'tiny', clip: folder, phrases: { find: ['a star'] } }), 'job')
    const { identity } = await describeJob(job, {}, { signal: new AbortController().signal } as Context)
    return digestOf(identity)
  }
  const change = async (name: string, part: object): Promise<void> => {
    const before = JSON.parse(await readFile(join(folder, name), 'utf8')) as object
    await writeFile(join(folder, name), JSON.stringify({ ...before, ...part }))
  }
  const digests = [await digest(), await digest()]
  await change('config.json', { projection_dim: 3 })
  digests.push(await digest())
  await change('tokenizer.json', { version: 'other' })
  digests.push(await digest())
  expect(digests[1]).toBe(digests[0])
  expect(new Set(digests).size).toBe(3)
})

describe('sam annotate', async () => {
  const folder = await workFolder()
  const images = join(folder, 'images')
  const job = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  const automatic = await job(
    'automatic.yaml',
    'model: tiny\nautomatic: { pointsPerSide: 2 }\noutput: { format: coco }'
  )
  const run = (...argv: string[]) => sam(['annotate', ...argv, '-q'])
  const linesOf = async (path: string): Promise<Line[]> =>
    (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Line)

  beforeAll(async () => {
    await mkdir(join(images, 'more'), { recursive: true })
    await writeFile(join(images, 'a.png'), await tinyPhoto())
    await writeFile(join(images, 'b.png'), 'no picture')
    await cp(join(images, 'a.png'), join(images, 'more', 'ü c.png'))
  })

  it('writes records and annotations, reports a poisoned image, and does nothing the second time', async () => {
    const out = join(folder, 'automatic')
    const { code, out: text } = await run(images, '--job', automatic, '--out', out, '--json')
    const file = 'annotations-00000-of-00001.jsonl'
    expect([code, JSON.parse(text)]).toEqual([1, { out, file, done: 2, failed: 1, missing: 0, computed: 2 }])
    const [a, b, c] = await linesOf(join(out, file))
    expect([a.image, b.image, c.image]).toEqual(['a.png', 'b.png', 'more/ü c.png'])
    expect(b.error).toMatchObject({ code: 'E_BAD_IMAGE' })
    expect(a.objects.length).toBeGreaterThan(0)
    expect(c.objects).toEqual(a.objects)
    const { out: alone } = await sam([
      'generate',
      join(images, 'a.png'),
      '--model',
      'tiny',
      '--points-per-side',
      '2',
      '--convert-to-rle',
      '--out',
      join(folder, 'alone'),
      '-q'
    ])
    expect(alone).not.toBe('')
    expect(a.objects).toEqual(JSON.parse(await readFile(join(folder, 'alone', 'a.json'), 'utf8')))
    const coco = JSON.parse(await readFile(join(out, 'annotations-00000-of-00001', 'annotations.json'), 'utf8')) as {
      images: object[]
    }
    expect(coco.images).toHaveLength(2)

    const again = await run(images, '--job', automatic, '--out', out)
    expect(again).toEqual({ code: 1, out: `${out}/${file}: 2 images, 1 failed (see "error" in the file)\n`, err: '' })
  })

  it('predicts the prompts of a manifest, and finds phrases', async () => {
    const prompts = [{ points: [{ x: 40, y: 50 }], category: 'left' }, { box: [20, 20, 90, 80] }]
    await writeFile(join(images, 'list.jsonl'), JSON.stringify({ image: 'a.png', prompts }))
    const out = join(folder, 'prompts')
    await run(join(images, 'list.jsonl'), '--job', await job('p.json', '{"model":"tiny","prompts":{}}'), '--out', out)
    const [{ objects }] = await linesOf(join(out, 'annotations-00000-of-00001.jsonl'))
    const { out: text } = await sam([
      'predict',
      join(images, 'a.png'),
      '--model',
      'tiny',
      '--point',
      '40,50',
      '--object',
      '--box',
      '20,20,90,80',
      '--json',
      '--format',
      'rle',
      '-q'
    ])
    const expected = (JSON.parse(text) as { objects: { masks: { segmentation: object }[] }[] }).objects
    expect(objects.map(({ segmentation }) => segmentation)).toEqual(expected.map(({ masks }) => masks[0].segmentation))
    expect(objects.map(({ prompt, category }) => [prompt, category])).toEqual([
      [0, 'left'],
      [1, undefined]
    ])

    const phrases = await job('t.yaml', 'phrases: { find: [a disc, a star], threshold: 0, limit: 1 }')
    await run(images, '--job', phrases, '--out', join(folder, 'phrases'))
    const [found] = await linesOf(join(folder, 'phrases', 'annotations-00000-of-00001.jsonl'))
    expect(found.objects.map(({ category }) => category)).toEqual(['a disc', 'a star'])
  })

  it('refuses results of the same weights in another configuration', async () => {
    const [out, config] = [join(folder, 'configured'), join(folder, 'other.json')]
    const { imageEncoder, ...rest } = configs['tiny-test']
    await writeFile(config, JSON.stringify({ ...rest, imageEncoder: { ...imageEncoder, heads: 4 } }))
    const checkpoint = fixture('tiny-checkpoint.safetensors')
    const of = (model: string) => `checkpoint: ${checkpoint}\nmodel: ${model}\nautomatic: { pointsPerSide: 1 }`
    await run(images, '--job', await job('configured.yaml', of('tiny-test')), '--out', out)
    const { code, err } = await run(images, '--job', await job('other.yaml', of(config)), '--out', out)
    expect([code, err]).toEqual([1, expect.stringContaining("other settings of 'config'")])
  })

  it('shards: together they hold each image once', async () => {
    const out = join(folder, 'shards')
    for (const shard of ['0/2', '1/2']) await run(images, '--job', automatic, '--out', out, '--shard', shard)
    const all = await Promise.all(
      [0, 1].map(async i => (await linesOf(join(out, `annotations-0000${i}-of-00002.jsonl`))).map(({ image }) => image))
    )
    expect(all.flat().sort()).toEqual(['a.png', 'b.png', 'more/ü c.png'])
  })

  it.each([
    ['an unknown key', ['images', '--job', 'JOB:automatik: {}'], 1, /automatik/],
    ['no job', ['images', '--job', 'nowhere.yaml'], 1, /cannot read nowhere\.yaml: no such file/],
    ['a wrong shard', ['images', '--job', 'JOB:automatic: {}', '--shard', '2/2'], 2, /--shard must be i\/n/],
    [
      'a model without weights',
      ['images', '--job', 'JOB:model: vit_b\nautomatic: {}'],
      2,
      /vit_b needs --checkpoint FILE/
    ],
    ['a missing folder', ['nowhere', '--job', 'JOB:automatic: {}'], 1, /must be a folder, s3/],
    [
      'results of another job',
      ['images', '--job', 'JOB:model: tiny\nautomatic: { pointsPerSide: 3 }', '--out', 'shards'],
      1,
      /found those of one with other settings of 'automatic'/
    ],
    [
      'no Redis',
      ['images', '--job', 'JOB:model: tiny\nautomatic: {}', '--queue', 'redis://127.0.0.1:1'],
      1,
      /cannot connect to Redis/
    ],
    ['S3 without keys', ['s3://bucket/photos', '--job', 'JOB:automatic: {}'], 1, /AWS_ACCESS_KEY_ID/]
  ])('refuses %s', async (name, [source, ...given], code, message) => {
    const argv = await Promise.all(
      given.map(async arg =>
        arg.startsWith('JOB:') ? job(`${name}.yaml`, arg.slice(4)) : arg === 'shards' ? join(folder, arg) : arg
      )
    )
    const out = argv.includes('--out') ? [] : ['--out', join(folder, 'refused')]
    expect(await run(source === 'images' ? images : source, ...argv, ...out)).toEqual({
      code,
      out: '',
      err: expect.stringMatching(message)
    })
  })

  const redis = findRedis()
  it.skipIf('missing' in redis)('--queue: a worker does the images, and `sam queue` shows what failed', async () => {
    const server = await startRedis(redis as Exclude<typeof redis, { missing: string }>, folder)
    const stop = new AbortController()
    const queue = ['--queue', server.url]
    try {
      const worker = sam(['worker', ...queue, '--root', folder, '-q', '--json'], { signal: stop.signal })
      const out = join(folder, 'queued')
      const { code, out: text } = await run(images, '--job', automatic, '--out', out, '--json', ...queue)
      expect([code, JSON.parse(text)]).toMatchObject([1, { done: 2, failed: 1, missing: 0, computed: 2 }])
      const file = 'annotations-00000-of-00001.jsonl'
      expect(await readFile(join(out, file), 'utf8')).toBe(await readFile(join(folder, 'automatic', file), 'utf8'))

      const status = await sam(['queue', 'status', ...queue, '--json'])
      expect(JSON.parse(status.out)).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 1 })
      expect((await sam(['queue', 'failed', ...queue])).out).toMatch(/^image .*\nb\.png +1 +.*the image failed/)
      await writeFile(join(images, 'b.png'), await tinyPhoto())
      const retry = await run(images, '--job', automatic, '--out', out, '--retry-failed', '--json', ...queue)
      expect([retry.code, JSON.parse(retry.out)]).toMatchObject([0, { done: 3, failed: 0, computed: 1 }])

      // A queue cannot lead a worker out of its folder.
      const outside = await workFolder()
      await run(images, '--job', automatic, '--out', join(outside, 'out'), '--attempts', '1', ...queue)
      expect((await sam(['queue', 'failed', ...queue])).out).toContain(
        `must be below ${folder}; start the worker with --root`
      )
      stop.abort()
      const ended = await worker
      expect(JSON.parse(ended.out)).toEqual({ done: 3, present: 0, failed: 1, errors: 3 })
    } finally {
      stop.abort()
      await server.kill()
    }
  })
})
