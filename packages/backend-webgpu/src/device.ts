/** The device, and the only file that touches what tfjs keeps globally: its registry and its flags. */
import { BackendError } from '@sam/core/graph'
import { env, findBackend, findBackendFactory, registerBackend, removeBackend } from '@tensorflow/tfjs-core'
import { findGpu, WebGPUBackend } from '#gpu'
import type { Limits } from './kernels/kernel.js'

/** An opened GPU with tfjs' runtime on it: buffers, pipelines, submission. */
export interface Device {
  readonly gpu: GPUDevice
  readonly tfjs: WebGPUBackend
  readonly limits: Limits
  /** Vendor and architecture, as far as the browser says them. */
  readonly adapter: string
  /** Why the device is gone, or undefined while it is there. */
  lost(): string | undefined
  /**
   * The same promise, but rejected with `E_DEVICE_LOST` once the device is gone: some of WebGPU's own promises then
   * never settle.
   */
  alive<T>(work: Promise<T>): Promise<T>
  /** Compiles pipelines side by side; while it runs, dispatches wait for it. */
  compile(dispatchAll: () => void): Promise<void>
  /**
   * Runs work that dispatches by itself while nothing is compiled: a pipeline that is still being compiled cannot be
   * dispatched.
   */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Settles when no compilation is under way. */
  ready(): Promise<void>
  destroy(): void
}

export interface DeviceOptions {
  readonly powerPreference?: GPUPowerPreference | undefined
  /** Limits asked of the device, instead of all that the adapter has. */
  readonly limits?: Readonly<Record<string, number>> | undefined
}

/** What of an adapter's limits is asked for. */
const wanted = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage'
] as const satisfies readonly (keyof GPUSupportedLimits)[]

/** Opens the adapter's device. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where there is none. */
export async function openDevice({
  powerPreference = 'high-performance',
  limits: asked
}: DeviceOptions = {}): Promise<Device> {
  const entry = await findGpu()
  if (typeof entry === 'string') throw new BackendError('E_BACKEND_UNAVAILABLE', `WebGPU is not here: ${entry}`)
  const adapter = await entry.requestAdapter({ powerPreference })
  if (!adapter) {
    throw new BackendError(
      'E_BACKEND_UNAVAILABLE',
      'WebGPU is here, but gave no adapter: update the graphics driver, or use the wasm or cpu backend'
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

/** A shader that does not compile spoils its module, then its pipeline: the module's error says where. */
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
  // Not `tfjs.checkCompileCompletionAsync`: it writes all pipelines back by position, and loses those that came meanwhile.
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
    `The GPU device is gone (${reason}): call recover() on the backend, then encode again`
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
 * tfjs finds its kernels by the name `webgpu`, and an app that uses tfjs beside us should share our device: so ours
 * takes the name, unless another is in use under it. Returns how to give it back.
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
