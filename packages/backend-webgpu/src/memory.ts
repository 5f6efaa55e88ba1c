/** Tensors on the device: tfjs' pool owns the buffers, identified by its data ids. */
import {
  BackendError,
  checkPart,
  InputError,
  numberToF16,
  sizeOf,
  tensor,
  widenF16,
  type DeviceTensor,
  type DType,
  type HostTensor,
  type Part,
  type Shape
} from '@sam/core/graph'
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core'
import { lostError, type Device } from './device.js'
import { checked } from './dispatch.js'
import { failure } from './failure.js'

const tfType: Readonly<Record<DType | 'packed', DataType>> = {
  f32: 'float32',
  f16: 'float32',
  i32: 'int32',
  bool: 'int32',
  packed: 'int32'
}

/**
 * A buffer of `length` elements, uninitialised. Its shape for tfjs is always [1], so that all sizes share pipelines.
 */
export function allocate(device: Device, length: number, type: DType | 'packed'): TensorInfo {
  const dtype = tfType[type]
  const { dataId } = device.tfjs.makeTensorInfo([Math.max(1, length)], dtype)
  device.tfjs.uploadToGPU(dataId)
  return { dataId, shape: [1], dtype }
}

/** Returns a buffer to the pool, after pending work that uses it. */
export const free = (device: Device, { dataId }: TensorInfo): void => {
  device.tfjs.disposeData(dataId)
}

/** Adds an owner: the buffer lives until every owner has freed it. */
export function shared({ tfjs }: Device, info: TensorInfo): TensorInfo {
  tfjs.incRef(info.dataId)
  return info
}

export const bufferOf = (device: Device, { dataId }: TensorInfo): GPUBuffer =>
  device.tfjs.tensorMap.get(dataId).resource as GPUBuffer

/** Uploads a host tensor to a new buffer, without retaining a copy. */
export function upload(device: Device, { dtype, data, shape }: HostTensor): TensorInfo {
  const info = allocate(device, sizeOf(shape), dtype)
  const words = dtype === 'bool' ? Int32Array.from(data) : dtype === 'f16' ? widenF16(data as Uint16Array) : data
  if (words.length) device.gpu.queue.writeBuffer(bufferOf(device, info), 0, words as Float32Array<ArrayBuffer>)
  return info
}

/** Uploads f32 values packed as f16, two per i32. */
export function uploadHalves(device: Device, data: Float32Array): TensorInfo {
  const halves = Uint16Array.from(data, numberToF16)
  const info = allocate(device, halves.length / 2, 'packed')
  device.gpu.queue.writeBuffer(bufferOf(device, info), 0, halves)
  return info
}

/** Submits recorded commands. */
export function flush({ tfjs }: Device): void {
  tfjs.ensureCommandEncoderReady()
  tfjs.endComputePassEncoder()
  tfjs.submitQueue()
}

/** Frees the pool's idle buffers, which tfjs itself never does. */
export function trim({ tfjs }: Device): void {
  const pool = tfjs.bufferManager as unknown as {
    freeBuffers: Map<string, GPUBuffer[]>
    numFreeBuffers: number
    numBytesAllocated: number
  }
  for (const idle of pool.freeBuffers.values()) {
    for (const buffer of idle.splice(0)) {
      pool.numFreeBuffers--
      pool.numBytesAllocated -= buffer.size
      buffer.destroy()
    }
  }
}

/** The buffer of each of our tensors. */
const residents = new WeakMap<DeviceTensor, { device: Device; info: TensorInfo | undefined }>()

/**
 * The buffer of a tensor among the feeds. Throws if the tensor is disposed, of another backend, or of a lost device.
 */
export function residentOf(device: Device, fed: DeviceTensor): TensorInfo {
  const home = residents.get(fed)
  if (!home)
    throw new BackendError(
      'E_BACKEND_FAILED',
      'webgpu: feeds must be host tensors or tensors of this backend, found one of another backend; feed the result of its read()'
    )
  if (!home.info) throw disposed()
  if (home.device !== device) throw lostError('the tensor is of a lost device')
  return home.info
}

/** A buffer as the caller's tensor. */
export function resident(
  device: Device,
  info: TensorInfo,
  { shape, dtype }: { shape: Shape; dtype: DType }
): DeviceTensor {
  const home: { device: Device; info: TensorInfo | undefined } = { device, info }
  const self: DeviceTensor = {
    shape,
    dtype,
    async read(part) {
      if (!home.info) throw disposed()
      if (part) checkPart(part, shape)
      return hostTensor(await readBuffer(device, home.info, part), { shape: part ? [part.length] : shape, dtype })
    },
    dispose() {
      if (home.info && device.lost() === undefined) free(device, home.info)
      home.info = undefined
    }
  }
  residents.set(self, home)
  return self
}

const disposed = (): InputError => new InputError('E_DISPOSED', 'webgpu: the tensor was disposed')

function hostTensor(bytes: ArrayBuffer, { shape, dtype }: { shape: Shape; dtype: DType }): HostTensor {
  const count = sizeOf(shape)
  switch (dtype) {
    case 'f32':
      return tensor('f32', shape, new Float32Array(bytes, 0, count))
    case 'i32':
      return tensor('i32', shape, new Int32Array(bytes, 0, count))
    case 'bool':
      return tensor('bool', shape, Uint8Array.from(new Int32Array(bytes, 0, count)))
    case 'f16':
      return tensor('f16', shape, Uint16Array.from(new Float32Array(bytes, 0, count), numberToF16))
  }
}

/** Copies through a separate staging buffer: tfjs would retain both the values and its staging buffer. */
async function readBuffer(device: Device, info: TensorInfo, part?: Part): Promise<ArrayBuffer> {
  const reason = device.lost()
  if (reason !== undefined) throw lostError(reason)
  let staging: GPUBuffer | undefined
  let mapped: Promise<unknown> = Promise.resolve()
  try {
    await checked(device, 'reading a tensor', () => {
      flush(device)
      const source = bufferOf(device, info)
      const [start, size] = part ? [4 * part.start, 4 * part.length] : [0, source.size]
      staging = device.gpu.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ })
      const encoder = device.gpu.createCommandEncoder()
      encoder.copyBufferToBuffer(source, start, staging, 0, size)
      device.gpu.queue.submit([encoder.finish()])
      mapped = staging.mapAsync(GPUMapMode.READ)
      mapped.catch(() => {}) // reported by `alive` below
    })
    await device.alive(mapped)
    return staging!.getMappedRange().slice(0)
  } catch (error) {
    throw failure(error, 'reading a tensor')
  } finally {
    staging?.destroy()
  }
}
