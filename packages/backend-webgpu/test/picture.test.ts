import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { longestSideSize, resizeImage } from '../../core/src/image/resize.js'
import { normalizeImage, pixelMean as mean, pixelStd as std } from '../../core/src/image/normalize.js'
import { toRgbImage } from '../../core/src/image/image.js'
import type { Picture, RgbaBytes } from '../../core/src/image/picture.js'
import { webgpu, type WebGpuBackend } from '../src/index.js'

const inPage = typeof ImageBitmap !== 'undefined'

describe('pictures on the device', () => {
  let backend: WebGpuBackend
  beforeAll(async () => {
    backend = await webgpu()
  })
  afterAll(() => backend.dispose())

  const painted = (width: number, height: number): RgbaBytes & { data: Uint8ClampedArray<ArrayBuffer> } => {
    const data = new Uint8ClampedArray(width * height * 4)
    for (let i = 0; i < width * height; i++)
      data.set([(i * 7) & 255, (i * i) & 255, (Math.floor(i / width) * 5) & 255, 255], 4 * i)
    return { width, height, data }
  }

  async function expectHosts(bytes: RgbaBytes, picture: Picture, side: number): Promise<void> {
    const size = longestSideSize(bytes, side)
    const expected = normalizeImage(resizeImage(toRgbImage({ ...bytes, channels: 4 }), size), side)
    const found = await backend.picture(picture, { ...size, side, mean, std })
    const { shape, data } = await found.read()
    found.dispose()
    expect(shape).toEqual(expected.shape)
    // Equal bytes; a difference of one grey level would be 1/58.
    let worst = 0
    for (let i = 0; i < data.length; i++) worst = Math.max(worst, Math.abs(data[i] - expected.data[i]))
    expect(worst).toBeLessThan(1e-5)
  }

  it.each([
    [200, 133, 64],
    [133, 200, 64],
    [30, 20, 64],
    [64, 64, 64],
    [1, 50, 32]
  ])("gives the host's bytes for %i × %i in a square of %i", async (width, height, side) => {
    const bytes = painted(width, height)
    await expectHosts(bytes, bytes, side)
  })

  it.runIf(inPage)('accepts an ImageData, an ImageBitmap, a canvas and a VideoFrame', async () => {
    const bytes = painted(150, 100)
    const image = new ImageData(bytes.data, 150, 100)
    await expectHosts(bytes, image, 64)
    const bitmap = await createImageBitmap(image, { premultiplyAlpha: 'none', colorSpaceConversion: 'none' })
    await expectHosts(bytes, bitmap, 64)
    const canvas = new OffscreenCanvas(150, 100)
    canvas.getContext('2d')!.putImageData(image, 0, 0)
    await expectHosts(bytes, canvas, 64)
    const frame = new VideoFrame(bytes.data, {
      format: 'RGBX',
      codedWidth: 150,
      codedHeight: 100,
      timestamp: 0,
      colorSpace: { primaries: 'bt709', transfer: 'iec61966-2-1', matrix: 'rgb', fullRange: true }
    })
    await expectHosts(bytes, frame, 64)
    frame.close()
  })

  it('rejects pictures without pixels or larger than the square', async () => {
    await expect(
      backend.picture({ width: 0, height: 4, data: new Uint8Array(0) }, { width: 1, height: 1, side: 4, mean, std })
    ).rejects.toThrow(/must have pixels/)
    await expect(backend.picture(painted(4, 4), { width: 8, height: 8, side: 4, mean, std })).rejects.toThrow(
      /must fit/
    )
  })
})
