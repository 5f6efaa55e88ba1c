import {
  InputError,
  memoryWeights,
  paramsOf,
  prepare,
  shown,
  untilAborted,
  type Backend,
  type Graph,
  type Value,
  type WeightSource
} from '@sam/core/graph'
import { keeps } from '@sam/onnx'
import { executable } from './executable.js'
import { startRuntime, type Ort, type WasmPaths } from './runtime.js'
import { openSession, weightBytes } from './session.js'

export interface WasmOptions {
  readonly wasmPaths: WasmPaths
  /**
   * Threads that one run computes on. Default: half the machine's, at most 4, where the page is cross-origin isolated
   * (headers COOP and COEP), else 1: without isolation a browser has no shared memory.
   */
  readonly threads?: number | undefined
  /**
   * `all` keeps no composite whole: every graph runs as primitives. Slow; to find out whether a fused form is at fault.
   */
  readonly open?: 'all' | undefined
}

/**
 * The CPU, in WebAssembly with SIMD, in browsers and in Node. It computes on the thread that calls it: load the model
 * in a worker, so that a page stays responsive. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where the runtime's files
 * are not served, `InputError` `E_BAD_OPTION`.
 *
 * @example
 * const backend = await wasm({ wasmPaths: '/onnxruntime/' })
 */
export async function wasm({ wasmPaths, threads = defaultThreads(), open }: WasmOptions): Promise<Backend> {
  if (!Number.isInteger(threads) || threads < 1)
    throw new InputError('E_BAD_OPTION', `threads must be a whole number of at least 1, found ${shown(threads)}`)
  if (threads > 1 && !isolated()) {
    throw new InputError(
      'E_BAD_OPTION',
      `threads: more than 1 needs a page that is cross-origin isolated (headers COOP and COEP); in Node, take cpu() of @sam/backend-cuda. ` +
        `Found ${threads}`
    )
  }
  if (open !== undefined && open !== 'all')
    throw new InputError('E_BAD_OPTION', `open must be 'all' or left out, found ${shown(open)}`)
  const ort = await startRuntime({ wasmPaths, threads })
  let disposed = false
  const kept = (node: Value): boolean => open !== 'all' && keeps(node)
  return {
    name: 'wasm',
    keeps: kept,
    async compile(g, weights, { signal, onProgress = () => {} } = {}) {
      signal?.throwIfAborted()
      if (disposed) throw new InputError('E_DISPOSED', 'the wasm backend was disposed; make a new one')
      const { once, every } = prepare(g, kept, weights)
      const total = weightBytes(paramsOf(g))
      let done = 0
      onProgress(done, total)
      const onBytes = (n: number): void => onProgress((done = Math.min(total, done + n)), total)
      const compiling = runOnce(ort, once, { weights, signal })
        .then(bound => openSession(ort, every, { weights, bound, signal, onBytes }))
        .then(session => executable(g, session))
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
    }
  }
}

/** What depends on weights alone, computed now; the runtime takes it as further weights. */
async function runOnce(
  ort: Ort,
  once: Graph,
  options: { weights: WeightSource; signal: AbortSignal | undefined }
): Promise<WeightSource | undefined> {
  if (Object.keys(once.outputs).length === 0) return undefined
  const session = await openSession(ort, once, options)
  try {
    return memoryWeights(await session.run({}), once.name)
  } finally {
    session.close()
  }
}

const isolated = (): boolean => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true

const defaultThreads = (): number =>
  isolated() ? Math.max(1, Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2))) : 1
