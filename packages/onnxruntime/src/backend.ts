import {
  InputError,
  memoryWeights,
  nameOf,
  paramsOf,
  prepare,
  refuse,
  shown,
  sizeOf,
  untilAborted,
  type Backend,
  type Graph,
  type HostTensor,
  type Value,
  type WeightSource
} from '@sam/core/graph'
import { keeps, type Precision } from '@sam/onnx'
import { executable } from './executable.js'
import type { OpenOptions, Runtime } from './runtime.js'

/** Options of all backends on onnxruntime. */
export interface OnnxRuntimeOptions {
  /** Threads per run. */
  readonly threads?: number | undefined
  /**
   * `all` decomposes every composite. Slow: for checking whether a fused operator is at fault.
   */
  readonly decompose?: 'all' | undefined
  /**
   * How the weights of linear layers are kept in memory. `f16`: as halves, for large models; each is converted when it
   * is used. `int8`: as 8-bit integers, and layers of many rows compute in them: faster, masks differ slightly.
   * Default: `f32`.
   */
  readonly precision?: Precision | undefined
}

/** A `Backend` on one build of onnxruntime. */
export function onnxRuntimeBackend<Handle>(
  name: string,
  runtime: Runtime<Handle>,
  { decompose, precision }: Pick<OnnxRuntimeOptions, 'decompose' | 'precision'> = {}
): Backend {
  const disposedError = new InputError('E_DISPOSED', `the ${name} backend was disposed; create a new one`)
  const fused = (node: Value): boolean => decompose !== 'all' && keeps(node)
  let disposed = false
  return {
    name,
    keeps: fused,
    async compile(g, weights, { signal, onProgress = () => {} } = {}) {
      signal?.throwIfAborted()
      if (disposed) throw disposedError
      const { setup, run } = prepare(g, fused, weights)
      const total = weightBytes(paramsOf(g), weights)
      let done = 0
      onProgress(done, total)
      const onBytes = (n: number): void => onProgress((done = Math.min(total, done + n)), total)
      const options: OpenOptions = { weights, weightBytes: total, signal }
      const compiling = runSetup(runtime, setup, options)
        .then(initializers => runtime.open(run, { ...options, precision, initializers, onBytes }))
        .then(session => executable(runtime, g, session))
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
      runtime.end(disposedError)
    }
  }
}

/** Validates options common to all onnxruntime backends. Throws `InputError` `E_BAD_OPTION`. */
export function checkOptions({ threads = 1, decompose = 'all', precision = 'f32' }: OnnxRuntimeOptions): void {
  if (!(Number.isInteger(threads) && threads >= 1))
    refuse('E_BAD_OPTION', `threads must be a whole number of at least 1, found ${shown(threads)}`)
  if (decompose !== 'all') refuse('E_BAD_OPTION', `decompose must be 'all' or omitted, found ${shown(decompose)}`)
  if (!precisions.includes(precision))
    refuse('E_BAD_OPTION', `precision must be one of ${precisions.join(', ')}, found ${shown(precision)}`)
}

const precisions: readonly Precision[] = ['f32', 'f16', 'int8']

/** Computes what depends on weights alone; the results become additional initializers. */
async function runSetup<Handle>(
  runtime: Runtime<Handle>,
  setup: Graph,
  options: OpenOptions
): Promise<WeightSource | undefined> {
  if (Object.keys(setup.outputs).length === 0) return undefined
  const session = await runtime.open(setup, options)
  try {
    const tensors: Record<string, HostTensor> = {}
    for (const [name, handle] of Object.entries(await session.run({}))) {
      tensors[name] = await runtime.read(handle, setup.outputs[name])
      runtime.free(handle)
    }
    return memoryWeights(tensors, setup.name)
  } finally {
    session.close()
  }
}

/** Bytes of a graph's params: as stored if they are in a file, otherwise as f32. */
const weightBytes = (params: readonly Value[], weights: WeightSource): number =>
  params.reduce((n, p) => n + (weights.locate(nameOf(p)!)?.length ?? 4 * sizeOf(p.shape)), 0)
