import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  configs,
  encodePng,
  loadSam,
  SamError,
  type Backend,
  type EncodedImage,
  type Prompt,
  type Sam,
  type SamErrorCode
} from '../src/index.js'
import { tinyTest } from '../src/sam/config.js'
import { referenceBackend } from '../src/testing.js'
import { renamed, type WeightSource } from '../src/weights/source.js'
import { fixturePath, maxDifference, openFixture } from './tiny-io.js'

interface Golden {
  point_coords?: [number, number][]
  point_labels?: number[]
  box?: [number, number, number, number]
}
const golden = JSON.parse(readFileSync(fixturePath('tiny-io.json'), 'utf8')) as {
  prompts: Record<string, { prompt: Golden; multi: { areas: number[] }; single: { areas: number[] } }>
}

/**
 * The SDK end to end on the reference evaluator; the results hold for every backend that passes the conformance tests.
 */
describe('Sam', () => {
  let io: WeightSource
  let sam: Sam
  let image: EncodedImage
  let photo: { width: number; height: number; data: Uint8Array }

  beforeAll(async () => {
    io = await openFixture('tiny-io.safetensors')
    photo = { width: 150, height: 100, data: await io.bytes('image') }
    sam = await loadSam({ weights: fixturePath('tiny-checkpoint.pth'), model: tinyTest, backend: referenceBackend() })
    image = await sam.encode(photo)
  })
  afterAll(async () => {
    image.dispose()
    await sam.dispose()
  })

  const promptOf = async (name: string): Promise<Prompt> => {
    const { point_coords, point_labels, box } = golden.prompts[name].prompt
    const mask = io.has(`${name}/mask_input`) ? (await io.read(`${name}/mask_input`)).data : undefined
    return {
      ...(point_coords
        ? {
            points: point_coords.map(([x, y], i) => ({
              x,
              y,
              label: point_labels![i] ? ('foreground' as const) : ('background' as const)
            }))
          }
        : {}),
      ...(box ? { box } : {}),
      ...(mask ? { mask } : {})
    }
  }

  it('encodes to the reference embedding', async () => {
    expect(maxDifference((await image.embedding()).data, (await io.read('image_embedding')).data)).toBeLessThan(1e-5)
  })

  for (const name of Object.keys(golden.prompts)) {
    it(`predicts '${name}' like SamPredictor, ranked`, async () => {
      const prompt = await promptOf(name)
      for (const [kind, multimask] of [
        ['multi', true],
        ['single', false]
      ] as const) {
        const { masks } = await image.predict(prompt, { multimask })
        const scores = Array.from((await io.read(`${name}/${kind}/scores`)).data)
        const logits = (await io.read(`${name}/${kind}/logits`)).data
        const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a])
        expect(masks.length).toBe(scores.length)
        for (const [rank, i] of order.entries()) {
          expect(Math.abs(masks[rank].predictedIou - scores[i])).toBeLessThan(1e-5)
          expect(maxDifference(masks[rank].logits(), logits.subarray(i * 15000, (i + 1) * 15000))).toBeLessThan(1e-5)
          expect(masks[rank].area).toBe(golden.prompts[name][kind].areas[i])
        }
      }
    })
  }

  it('predicts three boxes in one decode', async () => {
    const boxes = (await io.read('batch_boxes/boxes')).data
    const scores = (await io.read('batch_boxes/scores')).data
    const predictions = await image.predict(
      [0, 1, 2].map(i => ({ box: Array.from(boxes.subarray(i * 4, i * 4 + 4)) as [number, number, number, number] })),
      { multimask: true }
    )
    for (const [i, { masks }] of predictions.entries()) {
      const expected = Array.from(scores.subarray(i * 3, i * 3 + 3)).sort((a, b) => b - a)
      expect(
        maxDifference(
          masks.map(m => m.predictedIou),
          expected
        )
      ).toBeLessThan(1e-5)
    }
  })

  it('predicts a mixed list exactly as one by one', async () => {
    const names = Object.keys(golden.prompts)
    const prompts = await Promise.all(names.map(promptOf))
    const together = await image.predict(prompts)
    for (const [i, prompt] of prompts.entries()) {
      const alone = await image.predict(prompt)
      expect(together[i].masks.length, names[i]).toBe(alone.masks.length)
      for (const [k, mask] of alone.masks.entries())
        expect(maxDifference(together[i].masks[k].lowResLogits!, mask.lowResLogits!)).toBeLessThan(1e-6)
    }
  })

  it('follows the paper on ambiguity: three masks for one prompt, one for several', async () => {
    const point = { x: 75, y: 40 }
    expect((await image.predict({ points: [point] })).masks).toHaveLength(3)
    expect((await image.predict({ points: [point, { x: 9, y: 9, label: 'background' }] })).masks).toHaveLength(1)
    const {
      masks: [mask]
    } = await image.predict({ box: [30, 10, 105, 90] })
    expect((await image.predict({ points: [point], mask: mask })).masks).toHaveLength(1)
    expect((await image.predict([{ points: [point] }, { mask: mask.toCocoRle() }])).map(p => p.masks.length)).toEqual([
      3, 3
    ])
  })

  it('returns only the best mask, and copies only its values to host memory', async () => {
    const read: number[] = []
    const own = await loadSam({
      weights: fixturePath('tiny-checkpoint.pth'),
      model: tinyTest,
      backend: countingReads(referenceBackend(), n => read.push(n))
    })
    const encoded = await own.encode(photo)
    const plane = 32 * 32
    const click: Prompt = { points: [{ x: 60, y: 40 }] }
    const all = await encoded.predict(click)
    expect(read.sort()).toEqual([3 * plane, 4])
    for (const [prompts, multimask, count] of [
      [click, 'auto', plane],
      [click, false, plane],
      [[click, { box: [10, 10, 90, 60] }], 'auto', 2 * 4 * plane]
    ] as const) {
      read.length = 0
      const [best] = [await encoded.predict(prompts as Prompt[], { multimask, best: true })].flat()
      expect(best.masks).toHaveLength(1)
      expect(Math.max(...read)).toBe(count)
      if (multimask === 'auto') expect(best).toEqual({ masks: [all.masks[0]], tokenIndices: [all.tokenIndices[0]] })
      if (multimask === 'auto')
        expect(maxDifference(best.masks[0].lowResLogits!, all.masks[0].lowResLogits!)).toBeLessThan(1e-5)
    }
    encoded.dispose()
    await own.dispose()
  })

  it('accepts precomputed sparse embeddings', async () => {
    const token = new Float32Array(tinyTest.width).fill(0.5)
    const { masks } = await image.predict({ sparseEmbeddings: [token] })
    expect(masks).toHaveLength(3)
    const both = await image.predict({ points: [{ x: 75, y: 40 }], sparseEmbeddings: [token] }, { multimask: true })
    const point = await image.predict({ points: [{ x: 75, y: 40 }] }, { multimask: true })
    expect(maxDifference(both.masks[0].lowResLogits!, point.masks[0].lowResLogits!)).toBeGreaterThan(1e-3)
  })

  it('saves and loads an embedding, and rejects one that does not match', async () => {
    const bytes = await image.save()
    const loaded = await sam.load(bytes, { image: photo })
    const [before, after] = await Promise.all([image, loaded].map(i => i.predict({ points: [{ x: 75, y: 40 }] })))
    expect(maxDifference(before.masks[0].lowResLogits!, after.masks[0].lowResLogits!)).toBeLessThan(1e-4)
    loaded.dispose()

    const other = { ...photo, data: photo.data.map((v, i) => (i === 0 ? v ^ 1 : v)) }
    await expectCode(sam.load(bytes, { image: other }), 'E_BAD_EMBEDDING', 'another photo')
    await expectCode(sam.load(bytes.subarray(0, 500)), 'E_BAD_EMBEDDING')
    await expectCode(sam.load(readFileSync(fixturePath('tiny-checkpoint.safetensors'))), 'E_BAD_EMBEDDING')
    const swapped = new TextDecoder('latin1').decode(bytes).replace('longest side 128', 'longest side 129')
    await expectCode(sam.load(Uint8Array.from(swapped, c => c.charCodeAt(0))), 'E_BAD_EMBEDDING', 'preprocessing')
    const retrained = new TextDecoder('latin1').decode(bytes).replace(/"encoder":"./, '"encoder":"!')
    await expectCode(
      sam.load(Uint8Array.from(retrained, c => c.charCodeAt(0))),
      'E_BAD_EMBEDDING',
      'another image encoder'
    )
  })

  it('generates masks from a saved embedding without the photo, and crops only with it', async () => {
    const bytes = await image.save()
    const settings = { pointsPerSide: 2, predIouThresh: -1, stabilityScoreThresh: 0, boxNmsThresh: 1 }
    const [alone, whole] = [await sam.load(bytes), await sam.load(bytes, { image: photo })]
    const areas = async (from: typeof image, more = {}): Promise<number[]> =>
      (await from.generateMasks({ ...settings, ...more })).map(({ area }) => area)
    const found = await areas(alone)
    expect(found.length).toBeGreaterThan(3)
    expect(found).toEqual(await areas(image))
    await expectCode(areas(alone, { cropNLayers: 1 }), 'E_BAD_OPTION', 'photo')
    expect((await areas(whole, { cropNLayers: 1 })).length).toBeGreaterThan(0)
    alone.dispose()
    whole.dispose()
  })

  it('reads the encoder once for its fingerprint, on saving or loading an embedding, not for prediction', async () => {
    const bytes = await image.save()
    const source = await openFixture('tiny-checkpoint.safetensors')
    const read: string[] = []
    const watched: WeightSource = {
      ...source,
      read: (name, signal) => {
        read.push(name)
        return source.read(name, signal)
      },
      head: (name, length, signal) => {
        read.push(name)
        return source.head(name, length, signal)
      }
    }
    const own = await loadSam({ weights: watched, model: tinyTest, backend: referenceBackend(), parts: 'decoder' })
    const ofEncoder = (): string[] => read.filter(name => name.startsWith('image_encoder.'))
    expect(ofEncoder()).toEqual([])
    const loaded = await own.load(bytes)
    const once = ofEncoder().length
    expect(once).toBeGreaterThan(0)
    await loaded.predict({ points: [{ x: 75, y: 40 }] })
    expect(await loaded.save()).toEqual(bytes)
    expect(ofEncoder()).toHaveLength(once)
    await own.dispose()
    await expectCode(own.load(bytes), 'E_DISPOSED')
    await source.close()
  })

  it("issue 19: saves the fingerprint of an embedding's encoder, also with a checkpoint of only a decoder", async () => {
    const full = await openFixture('tiny-checkpoint.safetensors')
    const decoder = renamed(full, name => (name.startsWith('image_encoder.') ? undefined : name))
    const own = await loadSam({ weights: decoder, model: tinyTest, backend: referenceBackend(), parts: 'decoder' })
    const loaded = await own.load(await image.save())
    const again = await sam.load(await loaded.save(), { image: photo })
    again.dispose()
    await own.dispose()
    await full.close()
  })

  it('issue 19: distinguishes another photo from the encoded one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sam-photo-'))
    const path = join(folder, 'photo.png')
    await writeFile(path, await encodePng(photo))
    const encoded = await sam.encode(path)
    expect(Buffer.compare((await encoded.photo()).data, photo.data)).toBe(0)
    const again = await sam.encode(path)
    await writeFile(path, await encodePng({ ...photo, data: photo.data.map(v => 255 - v) }))
    await expectCode(again.photo(), 'E_BAD_IMAGE', 'encode it again')
    encoded.dispose()
    again.dispose()
    await expectCode(again.photo(), 'E_DISPOSED')
    await rm(folder, { recursive: true })
  })

  it('runs eight predictions concurrently as one after the other', async () => {
    const prompts = Array.from({ length: 8 }, (_, i): Prompt => ({ points: [{ x: 10 + 15 * i, y: 50 }] }))
    const together = await Promise.all(prompts.map(p => image.predict(p)))
    for (const [i, prompt] of prompts.entries()) {
      expect((await image.predict(prompt)).masks[0].lowResLogits).toEqual(together[i].masks[0].lowResLogits)
    }
  })

  describe('rejects', () => {
    const bad: Record<string, unknown> = {
      nothing: {},
      'an array of numbers': [1, 2],
      'no object': 7,
      'an unknown field': { point: { x: 1, y: 1 } },
      NaN: { points: [{ x: NaN, y: 1 }] },
      infinity: { points: [{ x: 1, y: -Infinity }] },
      'a string': { points: [{ x: '1', y: 1 }] },
      'left of the photo': { points: [{ x: -1, y: 1 }] },
      'below the photo': { points: [{ x: 1, y: 101 }] },
      'an unknown label': { points: [{ x: 1, y: 1, label: 2 }] },
      'a point that is null': { points: [null] },
      'points that are none': { points: 'x' },
      'too many points': { points: Array.from({ length: 1025 }, () => ({ x: 1, y: 1 })) },
      'a box of three': { box: [1, 2, 3] },
      'a box turned round': { box: [50, 50, 10, 60] },
      'a box without area': { box: [5, 5, 5, 9] },
      'a box outside': { box: [200, 10, 300, 20] },
      'a mask of another size': { mask: new Float32Array(7) },
      'a mask of NaN': { mask: new Float32Array(1024).fill(NaN) },
      'a mask that is none': { mask: 3 },
      'a token too short': { sparseEmbeddings: [new Float32Array(3)] }
    }
    for (const [name, prompt] of Object.entries(bad)) {
      it(name, () => expectCode(image.predict(prompt as Prompt), 'E_BAD_PROMPT'))
    }
    it('without affecting the next prompt', async () =>
      expect((await image.predict({ points: [{ x: 150, y: 100 }] })).masks).toHaveLength(3))
  })

  describe('wrong use', () => {
    const weights = fixturePath('tiny-checkpoint.pth')
    const backend = referenceBackend()
    const load = (options: unknown): Promise<unknown> => loadSam(options as Parameters<typeof loadSam>[0])
    const cases: Record<string, [() => Promise<unknown>, SamErrorCode, string]> = {
      'loadSam: no options': [() => load(undefined), 'E_BAD_OPTION', 'loadSam({ weights, backend: await cpu() })'],
      'loadSam: no backend': [
        () => load({ weights }),
        'E_BAD_OPTION',
        'such as await cpu() of @sam/backend-cpu, found none'
      ],
      'loadSam: a backend that was not awaited': [
        () => load({ weights, backend: Promise.resolve(backend) }),
        'E_BAD_OPTION',
        'found a promise; await it'
      ],
      'loadSam: a backend that was not called': [
        () => load({ weights, backend: function cpu() {} }),
        'E_BAD_OPTION',
        'backend: await cpu()'
      ],
      'loadSam: a name as backend': [() => load({ weights, backend: 'cpu' }), 'E_BAD_OPTION', 'found "cpu"'],
      'loadSam: no weights': [() => load({ backend }), 'E_BAD_OPTION', 'weights: must be a path'],
      'loadSam: weights that were not awaited': [
        () => load({ weights: Promise.resolve(weights), backend }),
        'E_WEIGHTS_IO',
        'found a promise; await it'
      ],
      'loadSam: a model as weights': [() => load({ weights: { weights }, backend }), 'E_WEIGHTS_IO', 'pass these'],
      'loadSam: a number as weights': [() => load({ weights: 7, backend }), 'E_WEIGHTS_IO', 'found 7'],
      'loadSam: an empty path': [() => load({ weights: '', backend }), 'E_WEIGHTS_IO', 'found ""'],
      "loadSam: model '__proto__'": [() => load({ weights, backend, model: '__proto__' }), 'E_BAD_OPTION', 'vit_b'],
      'loadSam: model null': [() => load({ weights, backend, model: null }), 'E_BAD_OPTION', 'found null'],
      'loadSam: half a configuration': [
        () => load({ weights, backend, model: { ...tinyTest, decoder: undefined } }),
        'E_BAD_OPTION',
        'config.decoder must be an object'
      ],
      'loadSam: other parts': [() => load({ weights, backend, parts: 'x' }), 'E_BAD_OPTION', "'all' or 'decoder'"],
      'loadSam: no whole heads': [() => load({ weights, backend, decoderHeads: 1.5 }), 'E_BAD_OPTION', 'decoderHeads'],
      'loadSam: a text model that was not awaited': [
        () => load({ weights, backend, text: Promise.resolve({}) }),
        'E_BAD_OPTION',
        'await loadClip'
      ],
      'loadSam: a misspelt option': [
        () => load({ weight: weights, backend }),
        'E_BAD_OPTION',
        "did you mean 'weights'?"
      ],
      'loadSam: a controller as signal': [
        () => load({ weights, backend, signal: new AbortController() }),
        'E_BAD_OPTION',
        'pass its signal'
      ],
      'encode: a promise of a photo': [
        () => sam.encode(Promise.resolve(photo) as never),
        'E_BAD_IMAGE',
        'found a promise; await it'
      ],
      'encode: a misspelt option': [() => sam.encode(photo, { sginal: 1 } as never), 'E_BAD_OPTION', "'signal'"],
      'load: a path': [() => sam.load('photo.bin' as never), 'E_BAD_EMBEDDING', 'found "photo.bin"'],
      'load: a misspelt option': [
        () => sam.load(new Uint8Array(), { photo } as never),
        'E_BAD_OPTION',
        "unknown option 'photo'"
      ],
      'predict: a misspelt option': [
        () => image.predict({ box: [1, 2, 30, 40] }, { multiMask: true } as never),
        'E_BAD_OPTION',
        "did you mean 'multimask'?"
      ],
      'predict: best as a number': [
        () => image.predict({ box: [1, 2, 30, 40] }, { best: 1 } as never),
        'E_BAD_OPTION',
        'best: must be true or false, found 1'
      ],
      'predict: nothing': [() => image.predict(undefined as never), 'E_BAD_PROMPT', 'found undefined'],
      'generateMasks: a misspelt option': [
        () => image.generateMasks({ points_per_side: 8 } as never),
        'E_BAD_OPTION',
        "did you mean 'pointsPerSide'?"
      ],
      'generateMasks: grids that are none': [
        () => image.generateMasks({ pointGrids: [[null]] } as never),
        'E_BAD_OPTION',
        'pointGrids'
      ],
      'query: a misspelt option': [
        () => image.query('a wheel', { treshold: 1 } as never),
        'E_BAD_OPTION',
        "'threshold'"
      ],
      'query: a phrase as negatives': [
        () => image.query('a wheel', { not: 'b' } as never),
        'E_BAD_OPTION',
        'not: must be an array'
      ],
      'query: options of its masks': [
        () => image.query('a wheel', { automatic: { pointPerSide: 1 } } as never),
        'E_BAD_OPTION',
        "'pointsPerSide'"
      ],
      'encodeCrop: no box': [() => image.encodeCrop(5 as never), 'E_BAD_OPTION', 'found 5']
    }
    for (const [name, [use, code, text]] of Object.entries(cases)) it(name, () => expectCode(use(), code, text))
  })

  it('loadSam passes the time-out to the server of its weights', async () => {
    const silent = createServer(() => {})
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const weights = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/sam.pth`
    await expectCode(
      loadSam({ weights, backend: referenceBackend(), timeout: 50 }),
      'E_WEIGHTS_IO',
      'the server sent nothing for 0.05 s'
    )
    silent.closeAllConnections()
    silent.close()
  })

  it('predicts what a prompt was when predict was called', async () => {
    const points = [{ x: 75, y: 40 }]
    const [before, predicting] = [await image.predict({ points }), image.predict({ points })]
    for (let i = 0; i < 5000; i++) points.push({ x: 1, y: 1 })
    points[0].x = NaN
    expect(await predicting).toEqual(before)
  })

  it('encodes what the pixels were when encode was called', async () => {
    const wanted = (await image.embedding()).data
    for (const rgb of [true, false]) {
      const data = rgb ? photo.data.slice() : new Uint8ClampedArray(150 * 100 * 4)
      if (!rgb) for (let i = 0; i < 150 * 100; i++) data.set(photo.data.subarray(i * 3, i * 3 + 3), i * 4)
      const encoding = sam.encode({ width: 150, height: 100, data })
      data.fill(0)
      const encoded = await encoding
      expect(maxDifference((await encoded.embedding()).data, wanted)).toBe(0)
      await expectCode(encoded.photo(), 'E_BAD_IMAGE', 'encode it again')
      encoded.dispose()
    }
    const file = await encodePng(photo)
    const encoding = sam.encode(file)
    file.fill(0)
    const encoded = await encoding
    expect(maxDifference((await encoded.embedding()).data, wanted)).toBe(0)
    encoded.dispose()
  })

  it('loads what the bytes of an embedding were when load was called', async () => {
    const bytes = await image.save()
    const own = { ...photo, data: photo.data.slice() }
    const loading = sam.load(bytes, { image: own })
    bytes.fill(0)
    own.data.fill(0)
    const loaded = await loading
    expect(Buffer.compare((await loaded.photo()).data, photo.data)).toBe(0)
    loaded.dispose()
  })

  it('clips a box to the photo', async () => {
    const [inside, over] = await Promise.all([
      image.predict({ box: [30, 10, 150, 100] }),
      image.predict({ box: [30, 10, 1e9, 1e9] })
    ])
    expect(over.masks[0].lowResLogits).toEqual(inside.masks[0].lowResLogits)
  })

  it('encodes images one pixel wide or high', async () => {
    for (const [width, height] of [
      [1, 1],
      [1, 300],
      [300, 1]
    ] as const) {
      const thin = await sam.encode({ width, height, data: new Uint8Array(width * height * 3).fill(90) })
      const {
        masks: [mask]
      } = await thin.predict({ points: [{ x: 0, y: 0 }] })
      expect(mask.bitmap()).toHaveLength(width * height)
      thin.dispose()
    }
  })

  it('rejects with the reason of an abort, and stays usable', async () => {
    const reason = new Error('changed my mind')
    await expect(sam.encode(photo, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(image.predict({ points: [{ x: 1, y: 1 }] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason
    )
    await expect(
      loadSam({
        weights: fixturePath('tiny-checkpoint.pth'),
        model: tinyTest,
        backend: referenceBackend(),
        signal: AbortSignal.abort(reason)
      })
    ).rejects.toBe(reason)
    const controller = new AbortController()
    const encoding = sam.encode(photo, { signal: controller.signal })
    controller.abort(reason)
    await expect(encoding).rejects.toBe(reason)
    expect((await image.predict({ points: [{ x: 1, y: 1 }] })).masks).toHaveLength(3)
  })

  it('rejects calls of a disposed handle', async () => {
    const own = await loadSam({
      weights: fixturePath('tiny-checkpoint.safetensors'),
      model: tinyTest,
      backend: referenceBackend()
    })
    const one = await own.encode(photo)
    one.dispose()
    one.dispose()
    await expectCode(one.predict({ points: [{ x: 1, y: 1 }] }), 'E_DISPOSED')
    await expectCode(one.save(), 'E_DISPOSED')
    const two = await own.encode(photo)
    await own.dispose()
    await own.dispose()
    await expectCode(own.encode(photo), 'E_DISPOSED')
    await expectCode(two.predict({ points: [{ x: 1, y: 1 }] }), 'E_DISPOSED')
  })

  it('rejects the wrong model, and recognises that of the file', async () => {
    const load = (options: Partial<Parameters<typeof loadSam>[0]>) =>
      loadSam({ weights: fixturePath('tiny-checkpoint.pth'), backend: referenceBackend(), ...options })
    await expectCode(load({ model: configs.vit_b }), 'E_WEIGHTS_MISMATCH', 'missing')
    await expectCode(load({ model: 'vit_x' }), 'E_BAD_OPTION', 'vit_b')
    await expectCode(
      load({ weights: fixturePath('tiny-io.safetensors') }),
      'E_WEIGHTS_MISMATCH',
      'is this a SAM checkpoint'
    )
    await expectCode(load({ weights: 'no-such-file.pth' }), 'E_WEIGHTS_IO')
  })

  it('issue 19: does not guess decoder heads, and accepts them as an option', async () => {
    const weights = fixturePath('tiny-checkpoint.pth')
    const backend = referenceBackend()
    await expectCode(loadSam({ weights, backend }), 'E_WEIGHTS_MISMATCH', 'decoderHeads')
    const withHeads = await loadSam({ weights, backend, decoderHeads: 4 })
    expect(withHeads.config).toEqual(tinyTest)
    await withHeads.dispose()
  })
})

async function expectCode(promise: Promise<unknown>, code: SamErrorCode, text = ''): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    e => e as unknown
  )
  expect(SamError.is(error), String(error)).toBe(true)
  expect((error as SamError).code).toBe(code)
  expect((error as SamError).message).toContain(text)
}

/** A backend that reports how many values of a decoder's outputs are read. */
function countingReads(backend: Backend, report: (count: number) => void): Backend {
  return {
    ...backend,
    async compile(...args) {
      const executable = await backend.compile(...args)
      return {
        ...executable,
        async run(...args) {
          const outputs = await executable.run(...args)
          return Object.fromEntries(
            Object.entries(outputs).map(([name, t]) => [
              name,
              name !== 'masks' && name !== 'iou_predictions'
                ? t
                : {
                    ...t,
                    read: async part => {
                      report(part?.length ?? t.shape.reduce((a, b) => a * b, 1))
                      return t.read(part)
                    }
                  }
            ])
          )
        }
      }
    }
  }
}
