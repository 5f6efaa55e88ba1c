/** Preprocesses pictures on the device: resized, normalised and padded, with the same bytes as on the host. */
import {
  bilinearTaps,
  InputError,
  pictureSize,
  type DeviceTensor,
  type Picture,
  type PictureTarget,
  type RgbaBytes
} from '@sam/core/graph'
import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Device } from './device.js'
import { checked, dispatch } from './dispatch.js'
import { f32, i32, perElement, type Program } from './kernels/program.js'
import { allocate, bufferOf, flush, free, resident, upload } from './memory.js'

/** Fixed point of Pillow's resize: 8 bits of pixel, 2 of headroom, the rest of an i32 for the fraction. */
const fractionBits = 22

/**
 * A picture as f32[1,3,side,side]: antialiased bilinear resize in Pillow's fixed point, rounded to bytes after each
 * axis, then (byte − mean) / std. Throws `InputError` `E_BAD_IMAGE` for an invalid size, `E_IMAGE_TOO_LARGE` beyond the
 * device's limits.
 */
export async function pictureTensor(device: Device, picture: Picture, target: PictureTarget): Promise<DeviceTensor> {
  const { width, height } = pictureSize(picture) ?? { width: 0, height: 0 }
  if (!(width > 0 && height > 0))
    throw new InputError(
      'E_BAD_IMAGE',
      `an image must have pixels: an ImageBitmap, canvas, VideoFrame, ImageData or RGBA bytes that is loaded and not closed, found ${width} × ${height}`
    )
  if (target.width > target.side || target.height > target.side)
    throw new InputError(
      'E_BAD_IMAGE',
      `an image must fit its square of ${target.side}, found ${target.width} × ${target.height}`
    )
  const isBytes = 'data' in picture
  // Rows of a copied texture begin at multiples of 256 bytes.
  const pitch = isBytes ? width : Math.ceil(width / 64) * 64
  const side = device.gpu.limits.maxTextureDimension2D
  if (pitch * height * 4 > device.limits.bufferBytes || (!isBytes && Math.max(width, height) > side)) {
    throw new InputError(
      'E_IMAGE_TOO_LARGE',
      `an image on this GPU must have at most ${device.limits.bufferBytes / 4} pixels and sides of at most ${side}, found ${width} × ${height}; resize it on the host`
    )
  }
  const temporary: TensorInfo[] = []
  const keep = (info: TensorInfo): TensorInfo => {
    temporary.push(info)
    return info
  }
  await device.ready()
  let result: TensorInfo | undefined
  try {
    await checked(device, 'preparing an image', () => {
      const pixels = keep(allocate(device, pitch * height, 'i32'))
      if (isBytes) device.gpu.queue.writeBuffer(bufferOf(device, pixels), 0, picture.data as Uint8Array<ArrayBuffer>)
      else copyPicture(device, picture, { width, height, pitch, into: bufferOf(device, pixels) })
      const [columns, rows] = [taps(device, width, target.width), taps(device, height, target.height)]
      columns.infos.concat(rows.infos).forEach(keep)
      const narrowed = keep(allocate(device, target.width * height, 'i32'))
      dispatch(device, alongRows({ height, width: target.width, pitch, taps: columns.width }), {
        inputs: [pixels, ...columns.infos],
        result: narrowed
      })
      result = allocate(device, 3 * target.side ** 2, 'f32')
      dispatch(device, alongColumns(target, rows.width), { inputs: [narrowed, ...rows.infos], result })
      flush(device)
    })
    return resident(device, result!, { shape: [1, 3, target.side, target.side], dtype: 'f32' })
  } catch (error) {
    if (result) temporary.push(result)
    throw error
  } finally {
    if (device.lost() === undefined) for (const info of temporary) free(device, info)
  }
}

/**
 * Copies a picture through a texture into a buffer of packed bytes: exact, and readable with strides.
 */
function copyPicture(
  { gpu }: Device,
  source: Exclude<Picture, RgbaBytes>,
  { width, height, pitch, into }: { width: number; height: number; pitch: number; into: GPUBuffer }
): void {
  const size = { width, height }
  const texture = gpu.createTexture({
    size,
    format: 'rgba8unorm',
    usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC | GPUTextureUsage.RENDER_ATTACHMENT
  })
  gpu.queue.copyExternalImageToTexture({ source }, { texture, colorSpace: 'srgb', premultipliedAlpha: false }, size)
  const encoder = gpu.createCommandEncoder()
  encoder.copyTextureToBuffer({ texture }, { buffer: into, bytesPerRow: pitch * 4 }, size)
  gpu.queue.submit([encoder.finish()])
  texture.destroy()
}

/** The taps of one axis on the device, in fixed point. */
function taps(device: Device, from: number, to: number): { width: number; infos: TensorInfo[] } {
  const { width, first, count, weights } = bilinearTaps(from, to, { antialias: true })
  const fixed = Int32Array.from(weights, w => Math.floor(w * 2 ** fractionBits + 0.5))
  return {
    width,
    infos: [first, count, fixed].map(data => upload(device, { dtype: 'i32', shape: [data.length], data }))
  }
}

const inputs = ['pixels', 'first', 'count', 'weights'].map(name => ({ name, components: 1 as const }))

/** A channel's sum over taps, rounded to a byte and clipped, as in Pillow. */
const channel = (c: number, at: string): string => `
  var sum${c} = ${1 << (fractionBits - 1)};
  for (var k = 0; k < count[tap]; k++) { sum${c} += ((pixels[${at}] >> ${8 * c}u) & 255) * weights[tap * uniforms.taps + k]; }
  let byte${c} = min(255, sum${c} >> ${fractionBits}u);`

const alongRows = ({
  height,
  width,
  pitch,
  taps: n
}: {
  height: number
  width: number
  pitch: number
  taps: number
}): Program =>
  perElement('resize rows', {
    count: height * width,
    inputs,
    uniforms: [i32('width', width), i32('pitch', pitch), i32('taps', n)],
    body: `
  let tap = i % uniforms.width;
  let start = i / uniforms.width * uniforms.pitch + first[tap];${[0, 1, 2].map(c => channel(c, 'start + k')).join('')}
  result[i] = byte0 | (byte1 << 8u) | (byte2 << 16u);`
  })

const alongColumns = ({ width, height, side, mean, std }: PictureTarget, n: number): Program =>
  perElement('resize columns, normalise, pad', {
    count: 3 * side * side,
    inputs,
    uniforms: [
      i32('width', width),
      i32('height', height),
      i32('side', side),
      i32('taps', n),
      f32('mean', ...mean, 0),
      f32('deviation', ...std, 1)
    ],
    body: `
  let x = i % uniforms.side;
  let tap = i / uniforms.side % uniforms.side;
  let c = i / uniforms.side / uniforms.side;
  if (x >= uniforms.width || tap >= uniforms.height) { result[i] = 0.0; return; }
  var sum = ${1 << (fractionBits - 1)};
  for (var k = 0; k < count[tap]; k++) { sum += ((pixels[(first[tap] + k) * uniforms.width + x] >> u32(8 * c)) & 255) * weights[tap * uniforms.taps + k]; }
  result[i] = (f32(min(255, sum >> ${fractionBits}u)) - uniforms.mean[c]) / uniforms.deviation[c];`
  })
