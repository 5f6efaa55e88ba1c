import { createServer, type Server } from 'node:http'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { cpu } from '@sam/backend-cpu'
import type * as transformers from '@xenova/transformers'
import type { Backend, Progress, SamErrorCode } from '@sam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  clipText,
  cropFeeds,
  loadClip,
  photoTemplates,
  type Clip,
  type ClipText,
  type Cut,
  type TransformersModule
} from '../src/index.js'
import { writeFolders, type Folders } from './folders.js'
import { tinyClip, tinyIo, tinyTokenizer, tinyWeights } from './tiny-clip.js'

const phrases = ['a wheel', 'the left-most blue car', 'x', 'ein Rad', 'колесо', '车轮', '😀', 'R&amp;B'.repeat(7)]
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? Array.from(a).reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i])), 0) : Infinity
const length = (v: Float32Array): number => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
const failing = async (attempt: Promise<unknown>, code: SamErrorCode, message = ''): Promise<void> => {
  await expect(attempt).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })
}

let folders: Folders
let backend: Backend
let clip: Clip
let text: ClipText
let module: TransformersModule
beforeAll(async () => {
  ;[folders, backend] = await Promise.all([writeFolders(), cpu()])
  clip = await loadClip({ model: folders.huggingFace, backend })
  text = await clipText({ model: folders.transformersJs })
  module = (await import('@xenova/transformers')) as never
})
afterAll(async () => {
  await Promise.all([clip.dispose(), text.dispose()])
  backend.dispose()
  await folders.remove()
})

describe('loadClip and clipText agree', () => {
  it('on phrases: transformers.js with the exported model equals our graphs', async () => {
    expect([clip.width, text.width]).toEqual([32, 32])
    const [ours, theirs] = await Promise.all([clip.embed(phrases), text.embed(phrases)])
    for (const [i, phrase] of phrases.entries()) {
      expect(distance(ours[i], theirs[i]), phrase).toBeLessThan(1e-4)
      expect(length(ours[i])).toBeCloseTo(1, 5)
    }
    expect(distance(ours[0], ours[1])).toBeGreaterThan(0.01)
  })

  it("on images: the exported model gives PyTorch's embeddings for any batch size", async () => {
    const { RawImage, AutoProcessor, CLIPVisionModelWithProjection, Tensor } = module as never as typeof transformers
    const io = await tinyIo()
    const model = await CLIPVisionModelWithProjection.from_pretrained(folders.transformersJs, {
      local_files_only: true,
      dtype: 'fp32'
    })
    const processor = await AutoProcessor.from_pretrained(folders.transformersJs, { local_files_only: true })
    const { pixel_values: processed } = await processor(new RawImage(await io.bytes('image'), 64, 64, 3))
    expect(distance(processed.data as Float32Array, (await io.read('pixel_values')).data)).toBeLessThan(1e-5)

    const wanted = (await io.read('image_embeds')).data
    const pixels = (await io.read('pixel_values')).data
    const three = Float32Array.from(
      { length: 3 * pixels.length },
      (_, i) => pixels[i % pixels.length] * (i < 2 * pixels.length ? 1 : -1)
    )
    const { image_embeds: found } = (await model({ pixel_values: new Tensor('float32', three, [3, 3, 64, 64]) })) as {
      image_embeds: { dims: number[]; data: Float32Array }
    }
    expect(found.dims).toEqual([3, 32])
    for (const row of [0, 1]) expect(distance(found.data.slice(row * 32, row * 32 + 32), wanted)).toBeLessThan(1e-4)
    expect(distance(found.data.slice(64), wanted)).toBeGreaterThan(0.01)
    await model.dispose()
  })
})

describe('loadClip', () => {
  it('embeds masked objects in batches as one by one', async () => {
    const photo = { width: 90, height: 70, data: Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * 37) % 251) }
    const masks = Array.from({ length: 9 }, (_, k) => ({
      width: 90,
      height: 70,
      data: Uint8Array.from({ length: 6300 }, (_v, i) =>
        Number(i % 90 > 5 * k && i % 90 < 5 * k + 30 && i > 90 * 4 * k)
      )
    }))
    const together = await clip.embedCrops(photo, masks)
    expect(together).toHaveLength(9)
    const [alone] = await clip.embedCrops(photo, [masks[3]])
    expect(distance(together[3], alone)).toBeLessThan(1e-5)
    expect(length(alone)).toBeCloseTo(1, 5)
    expect(distance(together[3], together[4])).toBeGreaterThan(1e-3)
    expect([clip.scale, clip.background]).toEqual([expect.closeTo(1 / 0.07, 3), ['background']])
  })

  it('embeds any number of prepared crops, each with its own rule', async () => {
    const photo = { width: 40, height: 30, data: Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 37) % 251) }
    const cuts = Array.from(
      { length: 300 },
      (_, k): Cut => ({
        photo,
        mask: {
          width: 40,
          height: 30,
          data: Uint8Array.from({ length: 1200 }, (_v, i) =>
            Number(i % 40 >= k % 20 && i % 40 < (k % 20) + 15 && i > k)
          )
        },
        rule: { grow: 1 + k / 300, zeroOutside: k % 2 === 0 }
      })
    )
    const all = await clip.embedCropFeeds(cropFeeds(cuts, clip.config))
    expect(all).toHaveLength(300)
    for (const k of [0, 1, 255, 256, 263, 264, 299]) {
      const [alone] = await clip.embedCropFeeds(cropFeeds([cuts[k]], clip.config))
      expect(distance(all[k], alone), `${k}`).toBeLessThan(1e-5)
      expect(length(alone)).toBeCloseTo(1, 5)
    }
    expect(distance(all[0], all[1])).toBeGreaterThan(1e-3)
    const [first] = await clip.embedCrops(photo, [cuts[0].mask])
    expect(
      distance(
        first,
        (
          await clip.embedCropFeeds(cropFeeds([{ ...cuts[0], rule: { grow: 1.5, zeroOutside: false } }], clip.config))
        )[0]
      )
    ).toBeLessThan(1e-6)
    expect(await clip.embedCropFeeds(cropFeeds([], clip.config))).toEqual([])
  })

  it('accepts separate files, and reports progress to the end', async () => {
    const calls: Progress[] = []
    const config: unknown = JSON.parse(await readFile(join(folders.huggingFace, 'config.json'), 'utf8'))
    const again = await loadClip({
      model: { config, tokenizer: tinyTokenizer(), weights: tinyWeights() },
      backend,
      onProgress: p => calls.push(p)
    })
    expect(again.config).toEqual(tinyClip)
    expect(distance((await again.embed(['x']))[0], (await clip.embed(['x']))[0])).toBeLessThan(1e-6)
    expect(calls[0].phase).toBe('open')
    expect(calls.at(-1)).toEqual({ phase: 'ready', loaded: calls.at(-1)!.total, total: calls.at(-1)!.total })
    expect(calls.every((p, i) => p.loaded >= (calls[i - 1]?.loaded ?? 0))).toBe(true)
    await again.dispose()
    await failing(again.embed(['y']), 'E_DISPOSED')
  })

  it('rejects folders with a missing or broken file, or of another model', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'sam-broken-'))
    await cp(folders.huggingFace, broken, { recursive: true })
    await failing(loadClip({ model: join(broken, 'nowhere'), backend }), 'E_WEIGHTS_IO', 'no such file')
    await rm(join(broken, 'model.safetensors'))
    await failing(loadClip({ model: broken, backend }), 'E_WEIGHTS_IO', 'model.safetensors')
    await writeFile(join(broken, 'tokenizer.json'), '{"version"')
    await failing(loadClip({ model: broken, backend }), 'E_WEIGHTS_FORMAT', 'must be JSON')
    await rm(broken, { recursive: true })
    const weights = tinyWeights()
    const config = {
      model_type: 'clip',
      projection_dim: 32,
      text_config: { hidden_size: 64, num_attention_heads: 5 },
      vision_config: {}
    }
    await failing(
      loadClip({ model: { config, tokenizer: tinyTokenizer(), weights }, backend }),
      'E_WEIGHTS_FORMAT',
      'multiple'
    )
    await failing(
      loadClip({ model: { config: { ...config, model_type: 'siglip' }, tokenizer: {}, weights }, backend }),
      'E_WEIGHTS_FORMAT',
      'siglip'
    )
    const { config: other, ...rest } = {
      config: { text_config: { vocab_size: 600 }, vision_config: {} },
      tokenizer: tinyTokenizer(),
      weights
    }
    await failing(loadClip({ model: { config: other, ...rest }, backend }), 'E_WEIGHTS_MISMATCH', 'wrong shape')
  })
})

describe.each(['loadClip', 'clipText'] as const)('phrases through %s', route => {
  const open = (options: { templates?: readonly string[]; cache?: number } = {}) =>
    route === 'loadClip'
      ? loadClip({ model: folders.huggingFace, backend, ...options })
      : clipText({ model: folders.transformersJs, ...options })

  it('are averaged over templates, and embedded the same in one batch or many', async () => {
    const [plain, templated] = await Promise.all([open(), open({ templates: photoTemplates.slice(0, 2) })])
    const [a, b] = await plain.embed(photoTemplates.slice(0, 2).map(t => t.replace('{}', 'a cat')))
    const sum = a.map((v, i) => v + b[i])
    const [found] = await templated.embed(['a cat'])
    expect(
      distance(
        found,
        sum.map(v => v / length(sum))
      )
    ).toBeLessThan(1e-5)
    const many = Array.from({ length: 40 }, (_, i) => `thing ${i % 35}`)
    const together = await plain.embed(many)
    expect(together).toHaveLength(40)
    expect(together[37]).toEqual(together[2])
    expect(distance(together[20], (await plain.embed([many[20]]))[0])).toBeLessThan(1e-5)
    await Promise.all([plain.dispose(), templated.dispose()])
    await failing(open({ templates: ['no place'] }), 'E_BAD_OPTION', 'templates')
  })

  it('are rejected if invalid, without affecting the next one', async () => {
    const encoder = await open({ cache: 2 })
    const bad: [unknown, string][] = [
      ['', 'white space'],
      [' \t\n', 'white space'],
      [7, 'must be a string'],
      [null, 'must be a string'],
      ['wheel '.repeat(10_000), 'at most 1000 characters'],
      ['ab '.repeat(60), 'at most 75 tokens']
    ]
    for (const [phrase, why] of bad) await failing(encoder.embed(['fine', phrase as string]), 'E_BAD_PROMPT', why)
    const stop = AbortSignal.abort(new Error('stop'))
    await expect(encoder.embed(['a'], { signal: stop })).rejects.toThrow('stop')
    const [first] = await encoder.embed(['fine'])
    first.fill(0) // the caller owns the result: changes must not reach the cache
    expect(length((await encoder.embed([' fine ']))[0])).toBeCloseTo(1, 5)
    await encoder.dispose()
  })

  it('are rejected after dispose, also if cached', async () => {
    const encoder = await open()
    await encoder.embed(['a wheel'])
    await encoder.dispose()
    await failing(encoder.embed(['a wheel']), 'E_DISPOSED')
  })
})

describe('clipText', () => {
  let server: Server | undefined
  let cacheDir: string
  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'sam-cache-'))
  })
  afterAll(async () => {
    server?.closeAllConnections()
    server?.close()
    await rm(cacheDir, { recursive: true })
  })

  /** A hub that serves the folder or nothing; it stalls after `bytes` bytes of the model file. */
  const hub = async (bytes = Infinity, serves = true): Promise<string> => {
    server?.closeAllConnections()
    server?.close()
    server = createServer((request, response) => {
      if (!serves) return response.writeHead(404).end()
      const path = decodeURIComponent(request.url!).replace(/^\/.*\/resolve\/main\//, '')
      readFile(join(folders.transformersJs, path)).then(
        data => {
          response.setHeader('content-length', data.length)
          if (request.method === 'HEAD') return response.end()
          return path.endsWith('.onnx') && bytes < data.length
            ? response.write(data.subarray(0, bytes))
            : response.end(data)
        },
        () => response.writeHead(404).end()
      )
    })
    await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const files = async (): Promise<string[]> =>
    existsSync(cacheDir)
      ? (await readdir(cacheDir, { recursive: true })).filter(name => /\.onnx|tmp|incomplete/.test(name))
      : []

  it('stops a download on abort without partial files; then loads, with progress to the end', async () => {
    const before = { ...module.env }
    const host = await hub(100_000)
    const controller = new AbortController()
    const stopped = clipText({
      model: 'someone/tiny',
      host,
      cacheDir,
      signal: controller.signal,
      onProgress: ({ loaded }) => {
        if (loaded >= 90_000) controller.abort(new Error('enough'))
      }
    })
    await expect(stopped).rejects.toThrow('enough')
    expect(await files()).toEqual([])

    const calls: Progress[] = []
    const loaded = await clipText({
      model: 'someone/tiny',
      host: await hub(),
      cacheDir,
      onProgress: p => calls.push(p)
    })
    expect(distance((await loaded.embed(['a wheel']))[0], (await text.embed(['a wheel']))[0])).toBeLessThan(1e-6)
    expect(
      calls.every(
        (p, i) =>
          p.loaded >= (calls[i - 1]?.loaded ?? 0) && p.total >= (calls[i - 1]?.total ?? 0) && p.loaded <= p.total
      )
    ).toBe(true)
    expect(calls.at(-1)).toEqual({ phase: 'ready', loaded: calls.at(-1)!.total, total: calls.at(-1)!.total })
    expect(calls.at(-1)!.total).toBeGreaterThan(500_000)
    expect(await files()).toHaveLength(1)
    await loaded.dispose()
    await failing(loaded.embed(['new']), 'E_DISPOSED')
    expect({ ...module.env }).toEqual(before)
  })

  it('separates the downloads of each host', async () => {
    const model = 'someone/two'
    await (await clipText({ model, host: await hub(), cacheDir })).dispose()
    await failing(clipText({ model, host: await hub(Infinity, false), cacheDir }), 'E_WEIGHTS_IO', model)
  })

  it('loads a repository that did not exist at first', async () => {
    const model = 'someone/late'
    await failing(clipText({ model, host: await hub(Infinity, false), cacheDir }), 'E_WEIGHTS_IO', model)
    await (await clipText({ model, host: await hub(), cacheDir })).dispose()
  })

  it('reports missing files', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'sam-missing-'))
    await cp(folders.transformersJs, copy, { recursive: true })
    await rm(join(copy, 'tokenizer.json'))
    await failing(clipText({ model: copy }), 'E_WEIGHTS_IO', 'missing: tokenizer.json')
    await failing(
      clipText({ model: folders.transformersJs, dtype: 'q8' }),
      'E_WEIGHTS_IO',
      'missing: onnx/text_model_quantized.onnx'
    )
    await failing(clipText({ model: './nowhere' }), 'E_WEIGHTS_IO', 'missing: config.json, tokenizer.json')
    await failing(
      clipText({ model: 'someone/else', host: await hub(), cacheDir, dtype: 'fp16' }),
      'E_WEIGHTS_IO',
      'someone/else'
    )
    await failing(clipText({ model: copy, dtype: 'f32' as never }), 'E_BAD_OPTION', 'dtype')
    await cp(join(folders.transformersJs, 'tokenizer.json'), join(copy, 'tokenizer.json'))
    await writeFile(join(copy, 'onnx/text_model.onnx'), 'this is not a model')
    await failing(clipText({ model: copy }), 'E_WEIGHTS_IO', 'could not be loaded')
    await rm(copy, { recursive: true })
  })

  it('accepts any module with the same API, loads one at a time, and restores its settings', async () => {
    const seen: string[] = []
    let loading = 0
    const double: TransformersModule = {
      env: {
        allowRemoteModels: true,
        allowLocalModels: true,
        localModelPath: '/models/',
        remoteHost: 'https://hub.example/',
        backends: { onnx: {} }
      },
      AutoTokenizer: {
        from_pretrained: async id => {
          expect(++loading).toBe(1)
          seen.push(`${double.env.localModelPath}${id} ${double.env.allowRemoteModels}`)
          return Object.assign(() => ({}), { encode: () => [1, 2, 3] })
        }
      },
      CLIPTextModelWithProjection: {
        from_pretrained: async () => {
          await new Promise(resolve => setTimeout(resolve, 5))
          loading--
          return Object.assign(async () => ({ text_embeds: { dims: [1, 2], data: Float32Array.of(3, 4) } }), {
            config: {},
            dispose: async () => {}
          })
        }
      }
    }
    const [one] = await Promise.all([1, 2].map(() => clipText({ model: folders.transformersJs, transformers: double })))
    expect(Array.from((await one.embed(['a']))[0])).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)])
    expect(seen).toEqual(Array(2).fill(`${dirname(folders.transformersJs)}/${basename(folders.transformersJs)} false`))
    expect(double.env).toMatchObject({ localModelPath: '/models/', allowRemoteModels: true })
  })
})
