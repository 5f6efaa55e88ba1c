import { loadSam, configs, type EncodedImage, type Sam } from '@sam/core'
import { SamError } from '@sam/core/graph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { maxDifference, openFixture } from '../../core/test/tiny-io.js'
import { webgpu, type WebGpuBackend } from '../src/index.js'

/** The SDK on a device: preprocessing of pictures on the device, and recovery of a `Sam` after device loss. */
describe('Sam on WebGPU', () => {
  let backend: WebGpuBackend
  let sam: Sam
  let expected: Float32Array
  let photo: { width: number; height: number; data: Uint8ClampedArray }
  const click = { points: [{ x: 60, y: 40 }] }
  beforeAll(async () => {
    backend = await webgpu()
    sam = await loadSam({
      weights: await openFixture('tiny-checkpoint.safetensors'),
      model: configs['tiny-test'],
      backend
    })
    const io = await openFixture('tiny-io.safetensors')
    const rgb = await io.bytes('image')
    photo = {
      width: 150,
      height: 100,
      data: new Uint8ClampedArray(150 * 100 * 4).map((_, i) =>
        i % 4 === 3 ? 255 : rgb[Math.floor(i / 4) * 3 + (i % 4)]
      )
    }
    expected = (await io.read('image_embedding')).data
    await io.close()
  })
  afterAll(async () => {
    await sam.dispose()
    backend.dispose()
  })
  const embeddingOf = async (image: EncodedImage): Promise<number> =>
    maxDifference((await image.embedding()).data, expected)

  it('encodes pixels resized on the device, and frees them', async () => {
    const before = backend.memory().usedBytes
    const image = await sam.encode(photo)
    expect(await embeddingOf(image)).toBeLessThan(2e-4)
    expect(backend.memory().usedBytes - before).toBe(4 * expected.length)
    expect((await sam.load(await image.save(), { image: photo })).width).toBe(150)
    image.dispose()
    expect(backend.memory().usedBytes).toBe(before)
  })

  it('frees everything when loading is aborted', async () => {
    const before = backend.memory().usedBytes
    const stop = new AbortController()
    const weights = await openFixture('tiny-checkpoint.safetensors')
    const loading = loadSam({
      weights,
      model: configs['tiny-test'],
      backend,
      signal: stop.signal,
      onProgress: ({ loaded }) => {
        if (loaded > 1e5) stop.abort(new Error('enough'))
      }
    })
    await expect(loading).rejects.toThrow('enough')
    expect(backend.memory().usedBytes).toBe(before)
    await weights.close()
  })

  it('frees the embedding when encoding is aborted', async () => {
    const before = backend.memory().usedBytes
    const stop = new AbortController()
    const encoding = sam.encode(photo, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(encoding).rejects.toThrow('enough')
    expect(backend.memory().usedBytes).toBe(before)
  })

  it('recovers after device loss during encoding', async () => {
    const image = await sam.encode(photo)
    const saved = await sam.load(await image.save())
    const best = await saved.predict(click, { best: true })
    const staged = await sam.load(await image.save())
    await staged.predict(click)
    const encoding = sam.encode(photo)
    backend.device.destroy()
    for (const attempt of [encoding, image.predict(click), saved.predict(click), sam.encode(photo)]) {
      await expect(attempt).rejects.toSatisfy(e => SamError.is(e) && e.code === 'E_DEVICE_LOST')
    }
    await sam.recover()
    // Issue 19: prompted before the loss, its per-image outputs are computed again on the new device.
    expect((await staged.predict(click)).masks).toHaveLength(3)
    expect(await embeddingOf(await sam.encode(photo))).toBeLessThan(2e-4)
    await expect(image.predict(click)).rejects.toSatisfy(e => SamError.is(e) && e.code === 'E_DEVICE_LOST')
    const again = await saved.predict(click, { best: true })
    expect(maxDifference(again.masks[0].lowResLogits!, best.masks[0].lowResLogits!)).toBeLessThan(1e-5)
    await sam.recover() // does nothing: the device is not lost
  })
})
