import { availableParallelism } from 'node:os'
import {
  graph,
  input,
  InputError,
  memoryWeights,
  nameOf,
  ops,
  paramsOf,
  prepare,
  SamError,
  shown,
  untilAborted,
  type Backend,
  type Graph,
  type HostTensor,
  type Value,
  type WeightSource
} from '@sam/core/graph'
import { keeps } from '@sam/onnx'
import type { InferenceSession } from 'onnxruntime-node'
import { executable } from './executable.js'
import { providerMissing } from './failures.js'
import { openSession, weightBytes, type SessionOptions } from './session.js'
import { startThread, type Thread } from './thread.js'

const providers = ['cpu', 'cuda', 'tensorrt', 'webgpu'] as const
/** Execution providers of onnxruntime-node that this backend knows how to ask for. */
export type Provider = (typeof providers)[number]

export interface OnnxRuntimeOptions {
  /** Threads that one run computes on; all cores unless told. */
  readonly threads?: number
  /**
   * `lean` (the default) computes with weights over 512 MB as pages of the checkpoint's file; `fast` repacks these too,
   * and plans buffers ahead: a few percent faster.
   */
  readonly memory?: 'lean' | 'fast'
  /**
   * `all` keeps no composite whole: every graph runs as primitives. Slow; to find out whether a fused form is at fault.
   */
  readonly open?: 'all'
  /** onnxruntime sends usage data to Microsoft by default; this package turns that off unless told otherwise here. */
  readonly telemetry?: boolean
}

export interface GpuOptions extends OnnxRuntimeOptions {
  /** Number of the device; 0 unless told. */
  readonly device?: number
}

/** The CPU, all cores. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where onnxruntime-node cannot be loaded. */
export const cpu = (options: OnnxRuntimeOptions = {}): Promise<Backend> => onnxruntime('cpu', options)

/**
 * An NVIDIA GPU. Throws `BackendError` `E_BACKEND_UNAVAILABLE`, with the commands that install it, where CUDA is not
 * there; never runs on the CPU instead.
 */
export const cuda = (options: GpuOptions = {}): Promise<Backend> => onnxruntime('cuda', options)

/**
 * Any provider of onnxruntime-node. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where it is not there, `InputError`
 * `E_BAD_OPTION`.
 */
export async function onnxruntime(provider: Provider, options: GpuOptions = {}): Promise<Backend> {
  check(provider, options)
  const thread = await startThread({ telemetry: options.telemetry === true })
  try {
    if (provider !== 'cpu') await probe(thread, provider, options)
  } catch (error) {
    thread.end(error as Error)
    throw error
  }
  return backend(thread, provider, options)
}

function backend(thread: Thread, provider: Provider, options: GpuOptions): Backend {
  const gone = new InputError('E_DISPOSED', `the ${provider} backend was disposed; make a new one`)
  const kept = (node: Value): boolean => options.open !== 'all' && keeps(node)
  let disposed = false
  return {
    name: provider,
    keeps: kept,
    async compile(g, weights, { signal, onProgress = () => {} } = {}) {
      signal?.throwIfAborted()
      if (disposed) throw gone
      const { once, every } = prepare(g, kept, weights)
      const total = weightBytes(paramsOf(g), weights)
      const session = sessionOptions(provider, options, total)
      let done = 0
      onProgress(done, total)
      const onBytes = (n: number): void => onProgress((done = Math.min(total, done + n)), total)
      const compiling = runOnce(thread, once, { options: session, weights, signal })
        .then(bound => openSession(thread, every, { options: session, weights, bound, signal, onBytes }))
        .then(loaded => executable(thread, g, loaded))
      const compiled = await untilAborted(compiling, signal, () => {
        compiling.then(
          e => e.dispose(),
          () => {}
        )
      })
      onProgress(total, total)
      return compiled
    },
    dispose() {
      disposed = true
      thread.end(gone)
    }
  }
}

/** What depends on weights alone, computed now; the runtime takes it as further weights. */
async function runOnce(thread: Thread, once: Graph, options: SessionOptions): Promise<WeightSource | undefined> {
  if (Object.keys(once.outputs).length === 0) return undefined
  const session = await openSession(thread, once, options)
  try {
    const ids = await session.run({}, new Int32Array(new SharedArrayBuffer(4)))
    const tensors: Record<string, HostTensor> = {}
    for (const [name, tensor] of Object.entries(ids)) {
      const { dtype, shape } = once.outputs[name]
      tensors[name] = { dtype, shape, data: await thread.call('read', { tensor }) }
      await thread.call('free', { tensor })
    }
    return memoryWeights(tensors, once.name)
  } finally {
    session.close()
  }
}

/** Tries the smallest graph there is, so that a device that is not there is noticed now and not at the first photo. */
async function probe(thread: Thread, provider: Provider, options: GpuOptions): Promise<void> {
  const x = input('x', [1])
  try {
    const session = await openSession(thread, graph('probe', { y: ops.add(x, 1) }), {
      options: sessionOptions(provider, options, 0),
      weights: memoryWeights({})
    })
    await session.run(
      { [nameOf(x)!]: { dtype: 'f32', shape: [1], data: Float32Array.of(1) } },
      new Int32Array(new SharedArrayBuffer(4))
    )
    session.close()
  } catch (error) {
    throw SamError.is(error) && error.code === 'E_BACKEND_FAILED' ? providerMissing(provider, error) : error
  }
}

/**
 * Weights up to this many bytes (ViT-B) are repacked even where memory is to be lean: the file's pages are then let go,
 * so it costs a second of loading.
 */
const packLimit = 1 << 29

/** What the runtime is told for a graph with this many bytes of weights. */
function sessionOptions(
  provider: Provider,
  { threads = availableParallelism(), memory = 'lean', device }: GpuOptions,
  bytes: number
): InferenceSession.SessionOptions {
  const lean = memory === 'lean'
  return {
    executionProviders: [device === undefined ? provider : { name: provider, deviceId: device }],
    intraOpNumThreads: threads,
    enableMemPattern: !lean,
    logSeverityLevel: 4,
    extra: {
      ...(lean && bytes > packLimit ? { session: { disable_prepacking: '1' } } : {}),
      // On the CPU the fused kernel of addition and norm takes about six times as long as the two it replaces.
      ...(provider === 'cpu' ? { optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' } } : {})
    }
  }
}

function check(provider: Provider, { threads = 1, memory = 'lean', device, open = 'all' }: GpuOptions): void {
  const must = (holds: boolean, rule: string, found: unknown): void => {
    if (!holds) throw new InputError('E_BAD_OPTION', `${rule}, found ${shown(found)}`)
  }
  must(providers.includes(provider), `the provider must be one of ${providers.join(', ')}`, provider)
  must(Number.isInteger(threads) && threads >= 1, 'threads must be a whole number of at least 1', threads)
  must(memory === 'lean' || memory === 'fast', "memory must be 'lean' or 'fast'", memory)
  must(open === 'all', "open must be 'all' or left out", open)
  if (device === undefined) return
  must(Number.isInteger(device) && device >= 0, 'device must be a whole number of at least 0', device)
  must(provider === 'cuda' || provider === 'tensorrt', 'device is for cuda and tensorrt', provider)
}
