import {
  InputError,
  paramsOf,
  readOptions,
  refuse,
  shown,
  sizeOf,
  type Backend,
  type CompileOptions,
  type Graph,
  type Value
} from '@sam/core/graph'
import { openDevice, type Device, type DeviceOptions } from './device.js'
import { makeExecutable, type Loadable } from './executable.js'
import type { Tile } from './kernels/tile.js'
import { keeps } from './kernels/index.js'
import type { Limits } from './kernels/kernel.js'
import { trim } from './memory.js'
import { pictureTensor } from './picture.js'
import { fastestTile } from './tune.js'

export interface WebGpuOptions extends DeviceOptions {
  /** Which of several GPUs. Default: the fastest. */
  readonly powerPreference?: GPUPowerPreference | undefined
  /**
   * How the weights of linear layers and convolutions are kept in memory. `f16`: two per word, half the memory; sums
   * stay f32. Default: `f32`.
   */
  readonly precision?: 'f32' | 'f16' | undefined
  /** Measure the fastest matrix multiplication tile once, before the first large graph. Default true. */
  readonly tune?: boolean | undefined
  /** `all` decomposes every composite. Slow: for checking whether a fused kernel is at fault. */
  readonly decompose?: 'all' | undefined
}

/** Bytes on the GPU: in tensors, and in total including the pool. */
export interface GpuMemory {
  readonly usedBytes: number
  readonly allocatedBytes: number
}

export interface WebGpuBackend extends Required<Backend> {
  readonly name: 'webgpu'
  /** Vendor and architecture of the adapter, as far as the browser reports them. */
  readonly adapter: string
  readonly limits: Limits
  /** The device, to share with tfjs, a canvas or onnxruntime-web. Replaced by `recover`. */
  readonly device: GPUDevice
  /** The reason of the device's loss; undefined if it is not lost. */
  lost(): string | undefined
  memory(): GpuMemory
  /** Frees idle buffers; the next run allocates them again. */
  trim(): void
}

/** Number of parameters from which tuning pays off: ViT-B has 90 million, the mask decoder 4. */
const largeGraph = 2e7

const isLarge = (graph: Graph): boolean => paramsOf(graph).reduce((n, p) => n + sizeOf(p.shape), 0) > largeGraph

/**
 * Runs graphs on WebGPU: in a browser, and in Node with the package `webgpu`.
 * Throws `BackendError` `E_BACKEND_UNAVAILABLE` if there is no adapter or it lacks the requested limits, `InputError`
 * `E_BAD_OPTION` for another precision.
 */
export async function webgpu(given: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const options = checkWebGpuOptions(given)
  const { precision = 'f32' } = options
  let device: Device = await openDevice(options)
  let disposed = false
  let recovering: Promise<void> | undefined
  let largeTile: Tile | undefined
  let tuning: Promise<void> | undefined
  /** Every live executable, and the device of its weights. */
  const executables = new Map<Loadable, Device>()
  const kept = (node: Value): boolean => options.decompose !== 'all' && keeps(node, device.limits)
  const must = (): void => {
    if (disposed) throw new InputError('E_DISPOSED', 'webgpu: the backend was disposed')
  }

  async function load(executable: Loadable, compileOptions?: CompileOptions): Promise<void> {
    const at = device
    await executable.load(at, compileOptions)
    executables.set(executable, at)
  }

  const isIntact = (): boolean => device.lost() === undefined && [...executables.values()].every(at => at === device)

  /** If loading one fails, the next call continues with the remaining ones. */
  async function reload(): Promise<void> {
    if (device.lost() !== undefined) {
      device.destroy()
      device = await openDevice(options)
    }
    for (const [executable, at] of [...executables]) if (at !== device) await load(executable)
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
              tuning = undefined // a failing device reports it below
            }
          ))
      const executable = makeExecutable(graph, weights, {
        keeps: kept,
        device: () => device,
        halfWeights: precision === 'f16',
        largeTile,
        forget: e => {
          executables.delete(e)
        }
      })
      await load(executable, compileOptions)
      return executable
    },
    async recover() {
      must()
      if (isIntact()) return
      await (recovering ??= reload().finally(() => {
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
      for (const executable of [...executables.keys()]) executable.dispose()
      device.destroy()
    }
  }
}

/** A copy of the options. Throws `InputError` `E_BAD_OPTION`. */
function checkWebGpuOptions(given: WebGpuOptions): WebGpuOptions {
  const options = readOptions('webgpu', given, {
    powerPreference: true,
    limits: true,
    precision: true,
    tune: true,
    decompose: true
  })
  const { powerPreference, limits, precision = 'f32', tune = true, decompose } = options
  if (powerPreference !== undefined && powerPreference !== 'low-power' && powerPreference !== 'high-performance')
    refuse('E_BAD_OPTION', `powerPreference must be 'low-power' or 'high-performance', found ${shown(powerPreference)}`)
  if (precision !== 'f32' && precision !== 'f16')
    refuse('E_BAD_OPTION', `precision must be 'f32' or 'f16' on WebGPU, found ${shown(precision)}`)
  if (typeof tune !== 'boolean') refuse('E_BAD_OPTION', `tune must be true or false, found ${shown(tune)}`)
  if (decompose !== undefined && decompose !== 'all')
    refuse('E_BAD_OPTION', `decompose must be 'all' or omitted, found ${shown(decompose)}`)
  if (limits !== undefined && (typeof limits !== 'object' || limits === null))
    refuse('E_BAD_OPTION', `limits must be numbers by name, found ${shown(limits)}`)
  return limits ? { ...options, limits: { ...limits } } : options
}
