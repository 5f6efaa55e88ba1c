import { wasm } from '@sam/backend-wasm'
import { loadSam, type Mask, type Sam } from '@sam/core'
import type { Backend } from '@sam/core/graph'
import { tinyModel } from '@sam/model-tiny'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectSam, type RemoteSam } from '../../src/index.js'
import { height, photo, width } from '../photo.js'

const wasmPaths = new URL('/node_modules/onnxruntime-web/dist/', location.href).href
const start = (): Worker => new Worker(new URL('../serve.worker.ts', import.meta.url), { type: 'module' })
const click = { points: [{ x: 45, y: 50 }] }
const plain = (mask: Mask) => ({
  area: mask.area,
  box: mask.boxXyxy,
  iou: mask.predictedIou,
  lowRes: mask.lowResLogits
})

describe('connectSam, in a page', () => {
  let backend: Backend
  let local: Sam
  let sam: RemoteSam
  beforeAll(async () => {
    backend = await wasm({ wasmPaths, threads: 1 })
    local = await loadSam({ weights: tinyModel().weights, backend })
    sam = await connectSam(start(), { data: { wasmPaths } })
  })
  afterAll(async () => {
    await sam?.dispose()
    await local?.dispose()
    backend?.dispose()
  })

  const imageData = (): ImageData => new ImageData(photo().data, width, height)
  const canvas = (): HTMLCanvasElement => {
    const element = Object.assign(document.createElement('canvas'), { width, height })
    element.getContext('2d')!.putImageData(imageData(), 0, 0)
    return element
  }
  const blob = async (): Promise<Blob> => new Promise(resolve => canvas().toBlob(file => resolve(file!)))
  const offscreen = (): OffscreenCanvas => {
    const surface = new OffscreenCanvas(width, height)
    surface.getContext('2d')!.putImageData(imageData(), 0, 0)
    return surface
  }

  it.each([
    ['ImageData', imageData],
    ['ImageBitmap', () => createImageBitmap(imageData())],
    ['Blob', blob],
    ['URL', async () => URL.createObjectURL(await blob())],
    ['canvas', canvas],
    ['OffscreenCanvas', offscreen],
    ['VideoFrame', () => new VideoFrame(canvas(), { timestamp: 0 })],
    ['plain pixels', photo]
  ])('encodes what a local Sam encodes, and leaves it as it is: %s', async (_, make) => {
    const input = await make()
    const image = await sam.encode(input)
    const same = await local.encode(input)
    expect([image.width, image.height]).toEqual([width, height])
    const [there, here] = [await image.predict(click), await same.predict(click)]
    expect(there.masks.map(plain)).toEqual(here.masks.map(plain))
    const bytes = await there.masks[0].toPng()
    expect(bytes).toEqual(await here.masks[0].toPng())
    expect((await image.photo()).data).toEqual((await same.photo()).data)
    image.dispose()
    same.dispose()
    if (input instanceof VideoFrame) input.close()
  })

  it('encodes a URL relative to the page', async () => {
    const here = `${location.pathname.replace(/[^/]*$/, '')}missing.jpg`
    await expect(sam.encode('missing.jpg')).rejects.toMatchObject({
      code: 'E_BAD_IMAGE',
      message: expect.stringContaining(here) as string
    })
  })

  it('moves a bitmap on request', async () => {
    const bitmap = await createImageBitmap(imageData())
    const image = await sam.encode(bitmap, { transfer: true })
    expect(bitmap.width).toBe(0)
    expect((await image.predict(click)).masks).toHaveLength(3)
    image.dispose()
  })

  it('says what cannot be sent', async () => {
    await expect(sam.encode({ width, height, data: Symbol('none') } as never)).rejects.toMatchObject({
      code: 'E_BAD_OPTION'
    })
  })
})

describe('a web worker', () => {
  it.each([
    ['is missing', () => new Worker('/missing.worker.js', { type: 'module' })],
    ['throws', () => new Worker(new URL('./broken.worker.ts', import.meta.url), { type: 'module' })]
  ])('whose script %s rejects', async (_, make) => {
    await expect(connectSam(make())).rejects.toMatchObject({ code: 'E_BACKEND_UNAVAILABLE' })
  })

  it('that is terminated rejects pending and later calls', async () => {
    const worker = start()
    const sam = await connectSam(worker, { data: { wasmPaths } })
    const image = await sam.encode(photo())
    const pending = image.generateMasks({ pointsPerSide: 64 })
    worker.terminate()
    await expect(pending).rejects.toMatchObject({ code: 'E_BACKEND_FAILED' })
    await expect(sam.encode(photo())).rejects.toMatchObject({ code: 'E_BACKEND_FAILED' })
  })

  it('can be shared by pages', async () => {
    const connected = () => {
      const shared = new SharedWorker(new URL('../serve.worker.ts', import.meta.url), { type: 'module' })
      return connectSam(shared, { data: { wasmPaths } })
    }
    const [one, two] = await Promise.all([connected(), connected()])
    await one.dispose()
    const image = await two.encode(photo())
    expect((await image.predict(click)).masks).toHaveLength(3)
    await two.dispose()
    await expect(image.predict(click)).rejects.toMatchObject({ code: 'E_DISPOSED' })
  })
})
