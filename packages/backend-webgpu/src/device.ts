/** The device. The only file that uses tfjs' global state: its registry and flags. */
import { BackendError } from '@sam/core/graph'
import { env, findBackend, findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core'
import { findGpu, WebGPUBackend } from '#gpu'
import type { Limits } from './kernels/kernel.js'

/** An opened GPU with tfjs' runtime on it: buffers, pipelines, submission. */
export interface Device {
  readonly gpu: GPUDevice
  readonly tfjs: WebGPUBackend
  readonly limits: Limits
  /** Vendor and architecture, as far as the browser reports them. */
  readonly adapter: string
  /** The reason of the device's loss; undefined if it is not lost. */
  lost(): string | undefined
  /**
   * The promise, or a rejection with `E_DEVICE_LOST` once the device is lost: some of WebGPU's own promises then never
   * settle.
   */
  alive<T>(work: Promise<T>): Promise<T>
  /** Compiles pipelines in parallel; dispatches wait for it. */
  compile(dispatchAll: () => void): Promise<void>
  /**
   * Runs work that dispatches, while nothing is being compiled: a pipeline under compilation cannot be dispatched.
   */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Settles when no compilation is running. */
  ready(): Promise<void>
  destroy(): void
}

export interface DeviceOptions {
  readonly powerPreference?: GPUPowerPreference | undefined
  /** Limits to request. Default: the adapter's. */
  readonly limits?: Readonly<Record<string, number>> | undefined
}

/** The limits to request from the adapter. */
const wanted = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage'
] as const satisfies readonly (keyof GPUSupportedLimits)[]

/** Opens the adapter's device. Throws `BackendError` `E_BACKEND_UNAVAILABLE` if there is none. */
export async function openDevice({
  powerPreference = 'high-performance',
  limits: asked
}: DeviceOptions = {}): Promise<Device> {
  const entry = await findGpu()
  if (typeof entry === 'string')
    throw new BackendError('E_BACKEND_UNAVAILABLE', `WebGPU must be available, found none: ${entry}`)
  const adapter = await entry.requestAdapter({ powerPreference })
  if (!adapter) {
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      'WebGPU must have an adapter, found none: update the graphics driver, or use the wasm or cpu backend'
    )
  }
  const gpu = await requestDevice(adapter, asked)
  const { limits } = gpu
  const tfjs = new WebGPUBackend(gpu, adapter.info)
  const release = register(tfjs)

  let reason: string | undefined
  const waiting = new Set<(error: BackendError) => void>()
  void gpu.lost.then(info => {
    reason ??= info.message || info.reason
    for (const reject of waiting) reject(lostError(reason))
    waiting.clear()
  })
  let compiling: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const done = compiling.then(work)
    compiling = done.catch(() => {})
    return done
  }

  return {
    gpu,
    tfjs,
    limits: {
      bufferBytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
      sharedBytes: limits.maxComputeWorkgroupStorageSize,
      buffers: limits.maxStorageBuffersPerShaderStage
    },
    adapter: [adapter.info?.vendor, adapter.info?.architecture].filter(Boolean).join(' ') || 'unnamed adapter',
    lost: () => reason,
    alive: work =>
      new Promise((resolve, reject) => {
        work
          .then(resolve, (error: Error) => reject(reason === undefined ? error : lostError(reason)))
          .finally(() => waiting.delete(reject))
        if (reason === undefined) waiting.add(reject)
        else reject(lostError(reason))
      }),
    compile: dispatchAll => alone(() => compileAll({ gpu, tfjs }, dispatchAll)),
    alone,
    ready: async () => {
      await compiling
    },
    destroy() {
      reason ??= 'the backend was disposed'
      release()
      gpu.destroy()
    }
  }
}

/** A shader that does not compile invalidates its module, then its pipeline: the module's error has the location. */
async function compileAll({ gpu, tfjs }: Pick<Device, 'gpu' | 'tfjs'>, dispatchAll: () => void): Promise<void> {
  gpu.pushErrorScope('validation')
  env().set('WEBGPU_ENGINE_COMPILE_ONLY', true)
  try {
    dispatchAll()
  } finally {
    env().set('WEBGPU_ENGINE_COMPILE_ONLY', false)
  }
  const refused = gpu.popErrorScope()
  const { pipelineCache } = tfjs as unknown as { pipelineCache: Record<string, unknown> }
  const pending = Object.entries(pipelineCache).filter(([, pipeline]) => pipeline instanceof Promise)
  // Not `tfjs.checkCompileCompletionAsync`: it stores all pipelines by position, and loses those added in the meantime.
  try {
    for (const [key, pipeline] of pending) pipelineCache[key] = await pipeline
  } catch (error) {
    for (const [key] of pending) delete pipelineCache[key]
    throw (await refused) ?? error
  }
}

export const lostError = (reason: string): BackendError =>
  new BackendError(
    'E_DEVICE_LOST',
    `The GPU device was lost (${reason}): call recover() on the backend, then encode again`
  )

async function requestDevice(adapter: GPUAdapter, asked?: Readonly<Record<string, number>>): Promise<GPUDevice> {
  const requiredLimits = { ...Object.fromEntries(wanted.map(name => [name, adapter.limits[name]])), ...asked }
  const requiredFeatures = (['timestamp-query'] as const).filter(f => adapter.features.has(f))
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures })
  } catch (cause) {
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      `The adapter must give a device with limits ${JSON.stringify(requiredLimits)}, found: ${String(cause)}`,
      { cause }
    )
  }
}

/**
 * tfjs finds its kernels by the backend name `webgpu`, and an app that also uses tfjs should share our device:
 * registers ours under that name, unless another one is in use. Returns a function that unregisters it.
 */
function register(tfjs: WebGPUBackend): () => void {
  if (findBackend('webgpu')) return () => tfjs.dispose()
  if (findBackendFactory('webgpu')) removeBackend('webgpu')
  registerBackend('webgpu', () => tfjs, 3)
  return () => {
    if (findBackend('webgpu') === tfjs) removeBackend('webgpu')
    else tfjs.dispose()
  }
}
