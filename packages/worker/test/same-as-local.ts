import { wasm } from '@sam/backend-wasm'
import { loadClip } from '@sam/clip'
import { loadSam, Mask, type AutomaticMask, type EncodedImage, type Progress, type Sam } from '@sam/core'
import type { Backend } from '@sam/core/graph'
import { tinyModel } from '@sam/model-tiny'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { height, photo, width } from './photo.js'
import { connectSam, type RemoteImage, type RemoteSam, type WorkerLike } from '../src/index.js'

const click = { points: [{ x: 45, y: 50 }] } as const

/** All that a mask is. */
const everything = (mask: Mask) => ({
  mask: mask instanceof Mask,
  size: [mask.width, mask.height],
  area: mask.area,
  box: mask.boxXyxy,
  iou: mask.predictedIou,
  stability: mask.stability(),
  bitmap: mask.bitmap(),
  lowRes: mask.lowResLogits
})

/** A worker's `Sam` gives what a local one gives. `start` starts a worker with `serve.worker.ts`. */
export function sameAsLocal(start: () => WorkerLike, wasmPaths: string): void {
  describe('connectSam', () => {
    let backend: Backend
    let local: { sam: Sam; image: EncodedImage }
    let remote: { sam: RemoteSam; image: RemoteImage }
    const progress: Progress[] = []
    beforeAll(async () => {
      backend = await wasm({ wasmPaths, threads: 1 })
      const model = tinyModel()
      const sam = await loadSam({
        weights: model.weights,
        backend,
        text: await loadClip({ ...model.clip, backend })
      })
      local = { sam, image: await sam.encode(photo()) }
      const there = await connectSam(start(), {
        data: { wasmPaths, text: true },
        onProgress: step => progress.push(step)
      })
      remote = { sam: there, image: await there.encode(photo()) }
    })
    afterAll(async () => {
      await remote?.sam.dispose()
      await local?.sam.dispose()
      backend?.dispose()
    })

    it('has the facts of the model and the image', () => {
      const { sam, image } = remote
      expect(sam.config).toEqual(local.sam.config)
      expect([sam.textWidth, image.textWidth, image.width, image.height]).toEqual([
        local.sam.textWidth,
        local.sam.textWidth,
        width,
        height
      ])
      expect(image.text).toMatchObject({ width: local.sam.text!.width, background: local.sam.text!.background })
      expect([...new Set(progress.map(step => step.phase))]).toEqual(['open', 'compile', 'ready'])
    })

    it.each([
      ['points', () => click],
      ['a box', () => ({ box: [90, 25, 140, 75] as const })],
      ['points and a box', () => ({ ...click, box: [15, 20, 75, 80] as const })],
      ['a phrase', () => ({ text: 'a red disc' })],
      ['a bitmap', () => ({ mask: { width, height, data: new Uint8Array(width * height).fill(1, 500, 9000) } })]
    ])('predicts the same masks: %s', async (_, prompt) => {
      const [here, there] = [await local.image.predict(prompt()), await remote.image.predict(prompt())]
      expect(there.tokenIndices).toEqual(here.tokenIndices)
      expect(there.masks.map(everything)).toEqual(here.masks.map(everything))
    })

    it('predicts the same masks from an earlier mask, and for a list', async () => {
      const again = async (image: EncodedImage | RemoteImage) => {
        const { masks } = await image.predict(click)
        const prompts = [{ ...click, mask: masks[0] }, { ...click, mask: masks[1].lowResLogits! }, click]
        return (await image.predict(prompts, { best: true })).map(p => p.masks.map(everything))
      }
      expect(await again(remote.image)).toEqual(await again(local.image))
      const one = await remote.image.predict(click)
      expect((await local.image.predict({ mask: one.masks[0] })).masks.map(everything)).toEqual(
        (await remote.image.predict({ mask: one.masks[0] })).masks.map(everything)
      )
    })

    it('copies prompts before it returns', async () => {
      const prompt = { points: [{ x: 45, y: 50 }] }
      const running = remote.image.predict(prompt)
      prompt.points[0].x = 120
      const { masks } = await local.image.predict(click)
      expect((await running).masks.map(everything)).toEqual(masks.map(everything))
    })

    it('generates the same masks, with progress', async () => {
      const run = async (image: EncodedImage | RemoteImage) => {
        const steps: unknown[] = []
        const onProgress = (step: unknown): void => void steps.push(step)
        const options = {
          ...tinyModel().automatic,
          pointsPerSide: 3,
          pointsPerBatch: 6,
          minMaskRegionArea: 40,
          onProgress
        }
        const found = await image.generateMasks(options)
        return { steps, found: found.map(({ mask, ...rest }) => ({ ...rest, mask: everything(mask) })) }
      }
      const [here, there] = [await run(local.image), await run(remote.image)]
      expect(here.found.length).toBeGreaterThan(0)
      expect(there).toEqual(here)
    })

    it('streams the same updates, and ends when the loop is left', async () => {
      const options = { ...tinyModel().automatic, pointsPerSide: 4, pointsPerBatch: 4 }
      const run = async (image: EncodedImage | RemoteImage, most = Infinity) => {
        const [steps, found]: [number[], Set<AutomaticMask>] = [[], new Set()]
        for await (const { added, removed, done } of image.streamMasks(options)) {
          for (const mask of removed) expect(found.delete(mask)).toBe(true)
          for (const mask of added) found.add(mask)
          if (steps.push(done) >= most) break
        }
        return { steps, found: [...found].map(({ mask, ...rest }) => ({ ...rest, mask: everything(mask) })) }
      }
      const here = await run(local.image)
      expect(here.steps).toEqual([4, 8, 12, 16, 16])
      expect(here.found.length).toBeGreaterThan(0)
      expect(await run(remote.image)).toEqual(here)
      expect((await run(remote.image, 2)).steps).toEqual([4, 8])
      await expect(remote.image.streamMasks({ pointsPerSide: 0 }).next()).rejects.toMatchObject({
        code: 'E_BAD_OPTION'
      })
    })

    it('encodes a list of images in order', async () => {
      const sources = [photo(), 'no such file.png', photo()]
      const found: unknown[] = []
      for await (const { image, error } of remote.sam.encodeAll(sources)) {
        found.push(image ? await image.embedding() : (error as { code?: string }).code)
        image?.dispose()
      }
      const embedding = await local.image.embedding()
      expect(found).toEqual([embedding, 'E_BAD_IMAGE', embedding])
    })

    it('finds the same objects for a phrase, also with a detector of the page', async () => {
      const run = async (image: EncodedImage | RemoteImage) => [
        ...(await image.query('a red disc', { threshold: 0 })),
        ...(await image.query('a red disc', { threshold: 0 })), // from what is kept of the first
        ...(await image.query('disc', {
          detect: async (pixels, [label], { signal }) => {
            expect([pixels.width, pixels.height, signal?.aborted]).toEqual([width, height, false])
            return [{ box: [15, 20, 75, 80], score: 0.9, label }]
          },
          signal: new AbortController().signal
        }))
      ]
      const form = (found: Awaited<ReturnType<typeof run>>) => found.map(o => ({ ...o, mask: everything(o.mask) }))
      const [here, there] = [await run(local.image), await run(remote.image)]
      expect(here.length).toBeGreaterThan(2)
      expect(form(there)).toEqual(form(here))
      expect(await remote.sam.text!.embed(['a disc'])).toEqual(await local.sam.text!.embed(['a disc']))
    })

    it('saves and loads embeddings, and encodes crops', async () => {
      const saved = await remote.image.save()
      expect(saved).toEqual(await local.image.save())
      const loaded = await remote.sam.load(saved, { image: photo() })
      expect(await loaded.embedding()).toEqual(await local.image.embedding())
      expect(await loaded.photo()).toEqual(await local.image.photo())
      expect(await remote.sam.encoderFingerprint()).toBe(await local.sam.encoderFingerprint())
      const crop = [20, 20, 90, 80] as const
      const [here, there] = [await local.image.encodeCrop(crop), await loaded.encodeCrop(crop)]
      expect(await there.embedding()).toEqual(await here.embedding())
      expect([there.width, there.height]).toEqual([here.width, here.height])
      here.dispose()
      there.dispose()
      loaded.dispose()
      await remote.sam.recover()
    })

    it('encodes views of larger memory, and moves pixels on request', async () => {
      const { data } = photo()
      const large = new Uint8Array(data.length + 64)
      large.set(data, 32)
      const view = await remote.sam.encode({ width, height, data: large.subarray(32, 32 + data.length) })
      expect(await view.embedding()).toEqual(await local.image.embedding())
      const own = photo()
      const sending = remote.sam.encode(own, { transfer: true })
      expect(own.data.length).toBe(0)
      expect(await (await sending).embedding()).toEqual(await local.image.embedding())
    })

    it('rejects with what a callback throws', async () => {
      const options = { ...tinyModel().automatic, pointsPerSide: 1, onProgress: () => expect.fail('not today') }
      await expect(remote.image.generateMasks(options)).rejects.toThrow('not today')
      await expect(local.image.generateMasks(options)).rejects.toThrow('not today')
    })

    it('rejects with the same errors as a local Sam', async () => {
      const failing = [
        (image: EncodedImage | RemoteImage) => image.predict({}),
        (image: EncodedImage | RemoteImage) => image.predict(click, { multimask: 'three' as never }),
        (image: EncodedImage | RemoteImage) => image.predict({ points: [{ x: 1e9, y: 0 }] }),
        (image: EncodedImage | RemoteImage) => image.query('x', { route: 'nowhere' as never }),
        (image: EncodedImage | RemoteImage) => image.generateMasks({ pointsPerSide: 0 }),
        (image: EncodedImage | RemoteImage) => image.encodeCrop([0, 0, 0, 0])
      ]
      for (const call of failing) {
        const [here, there] = await Promise.all(
          [local.image, remote.image].map(image =>
            call(image).then(
              () => expect.fail('must reject'),
              (error: Error) => error
            )
          )
        )
        expect(there).toBeInstanceOf(here.constructor)
        expect({ ...there, message: there.message, name: there.name }).toEqual({
          ...here,
          message: here.message,
          name: here.name
        })
      }
      const noImage = { width: 3, height: 3, data: new Uint8Array(5) }
      await expect(remote.sam.encode(noImage)).rejects.toMatchObject({ code: 'E_BAD_IMAGE' })
      await expect(remote.sam.load(new Uint8Array(9))).rejects.toMatchObject({ code: 'E_BAD_EMBEDDING' })
      await expect(remote.sam.encode(Symbol('no data') as never)).rejects.toMatchObject({ code: 'E_BAD_OPTION' })
    })

    it('rejects immediately with the reason of an abort', async () => {
      const stop = new AbortController()
      const running = remote.image.generateMasks({ pointsPerSide: 32, signal: stop.signal })
      const reason = new Error('enough')
      setTimeout(() => stop.abort(reason), 50)
      await expect(running).rejects.toBe(reason)
      await expect(remote.image.predict(click, { signal: stop.signal })).rejects.toBe(reason)
      await expect(remote.sam.encode(photo(), { signal: stop.signal })).rejects.toBe(reason)
      // The worker has stopped as well: it answers.
      expect((await remote.image.predict(click)).masks).toHaveLength(3)
    })

    it('refuses a disposed image', async () => {
      const image = await remote.sam.encode(photo())
      image.dispose()
      image.dispose()
      await expect(image.predict(click)).rejects.toMatchObject({ code: 'E_DISPOSED' })
    })
  })

  describe('connectSam: a worker', () => {
    it('is shared by several connections, until the last is disposed of', async () => {
      const worker = start()
      const [one, two] = await Promise.all([1, 2].map(() => connectSam(worker, { data: { wasmPaths } })))
      const image = await two.encode(photo())
      await one.dispose()
      await expect(one.encode(photo())).rejects.toMatchObject({ code: 'E_DISPOSED' })
      expect((await image.predict(click)).masks).toHaveLength(3)
      const pending = image.predict(click)
      await Promise.all([two.dispose(), expect(pending).rejects.toMatchObject({ code: 'E_DISPOSED' })])
      await expect(image.predict(click)).rejects.toMatchObject({ code: 'E_DISPOSED' })
    })

    it('whose model cannot be loaded rejects with the error of loadSam', async () => {
      const weights = new URL('missing.safetensors', tinyModel().weights)
      await expect(connectSam(start(), { data: { wasmPaths, weights } })).rejects.toMatchObject({
        code: 'E_WEIGHTS_IO',
        name: 'WeightsError'
      })
    })

    it('is ended by an abort while it loads', async () => {
      const stop = new AbortController()
      const reason = new Error('not now')
      const onProgress = (): void => stop.abort(reason)
      await expect(connectSam(start(), { data: { wasmPaths }, onProgress, signal: stop.signal })).rejects.toBe(reason)
    })
  })
}
