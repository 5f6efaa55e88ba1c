import {
  InputError,
  paramsOf,
  sizeOf,
  type Backend,
  type CompileOptions,
  type Graph,
  type Value
} from '@sam/core/graph'
import { openDevice, type Device, type DeviceOptions } from './device.js'
import { makeExecutable, type Placeable } from './executable.js'
import type { Tile } from './kernels/tile.js'
import { keeps } from './kernels/index.js'
import type { Limits } from './kernels/kernel.js'
import { trim } from './memory.js'
import { pictureTensor } from './picture.js'
import { fastestTile } from './tune.js'

export interface WebGpuOptions extends DeviceOptions {
  /** Which GPU of two. Default: the fast one. */
  readonly powerPreference?: GPUPowerPreference | undefined
  /**
   * Store weights of linear layers and convolutions as halves, two in a word: half the memory; sums stay f32. Default
   * false.
   */
  readonly halfWeights?: boolean | undefined
  /** Measure once, before the first large graph, how this device multiplies fastest. Default true. */
  readonly tune?: boolean | undefined
  /** Decompose every composite: slow; to find out whether a fused kernel is at fault. */
  readonly decompose?: 'all' | undefined
}

/** Bytes on the GPU: in tensors, and in all that is held, the pool included. */
export interface GpuMemory {
  readonly usedBytes: number
  readonly allocatedBytes: number
}

export interface WebGpuBackend extends Required<Backend> {
  readonly name: 'webgpu'
  /** Vendor and architecture of the adapter, as far as the browser says them. */
  readonly adapter: string
  readonly limits: Limits
  /** The device, for those who share it: tfjs, a canvas, onnxruntime-web. Another one after `recover`. */
  readonly device: GPUDevice
  /** Why the device is gone, or undefined while it is there. */
  lost(): string | undefined
  memory(): GpuMemory
  /** Gives idle buffers back to the system; the next run allocates them again. */
  trim(): void
}

/** Parameters from which measuring the device first pays: ViT-B has 90 million, the mask decoder 4. */
const largeGraph = 2e7

const isLarge = (graph: Graph): boolean => paramsOf(graph).reduce((n, p) => n + sizeOf(p.shape), 0) > largeGraph

/**
 * Runs graphs on WebGPU: in a browser, and in Node with the package `webgpu`.
 * Throws `BackendError` `E_BACKEND_UNAVAILABLE` where there is no adapter or it lacks the asked limits.
 */
export async function webgpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  let device: Device = await openDevice(options)
  let disposed = false
  let recovering: Promise<void> | undefined
  let largeTile: Tile | undefined
  let tuning: Promise<void> | undefined
  /** Every executable in use, and the device that its weights are on. */
  const living = new Map<Placeable, Device>()
  const kept = (node: Value): boolean => options.decompose !== 'all' && keeps(node, device.limits)
  const must = (): void => {
    if (disposed) throw new InputError('E_DISPOSED', 'webgpu: the backend was disposed')
  }

  async function place(executable: Placeable, compileOptions?: CompileOptions): Promise<void> {
    const at = device
    await executable.place(at, compileOptions)
    living.set(executable, at)
  }

  const isWhole = (): boolean => device.lost() === undefined && [...living.values()].every(at => at === device)

  /** Where placing one fails, the next call goes on with those that are left. */
  async function replace(): Promise<void> {
    if (device.lost() !== undefined) {
      device.destroy()
      device = await openDevice(options)
    }
    for (const [executable, at] of [...living]) if (at !== device) await place(executable)
  }

  return {
    name: 'webgpu',
    get adapter() {
      return device.adapter
    },
    get limits() {
      return device.limits
    },
    get device() {
      return device.gpu
    },
    lost: () => device.lost(),
    keeps: kept,
    async compile(graph, weights, compileOptions = {}) {
      must()
      compileOptions.signal?.throwIfAborted()
      if (options.tune !== false && isLarge(graph))
        await (tuning ??= device
          .alone(() => fastestTile(device))
          .then(
            tile => {
              largeTile = tile
            },
            () => {
              tuning = undefined // a device that fails here says so below
            }
          ))
      const executable = makeExecutable(graph, weights, {
        keeps: kept,
        device: () => device,
        halfWeights: options.halfWeights ?? false,
        largeTile,
        forget: e => {
          living.delete(e)
        }
      })
      await place(executable, compileOptions)
      return executable
    },
    async recover() {
      must()
      if (isWhole()) return
      await (recovering ??= replace().finally(() => {
        recovering = undefined
      }))
    },
    async picture(picture, target) {
      must()
      return pictureTensor(device, picture, target)
    },
    memory() {
      const { numBytesInGPU, numBytesAllocatedInGPU } = device.tfjs.memory()
      return { usedBytes: numBytesInGPU, allocatedBytes: numBytesAllocatedInGPU }
    },
    trim: () => trim(device),
    dispose() {
      if (disposed) return
      disposed = true
      for (const executable of [...living.keys()]) executable.dispose()
      device.destroy()
    }
  }
}
