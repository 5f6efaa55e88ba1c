import { availableParallelism } from 'node:os'
import {
  disposedOf,
  partOf,
  readOptions,
  refuse,
  shown,
  whenCollected,
  type Backend,
  type HostTensor
} from '@sam/core/graph'
import type { InferenceSession } from 'onnxruntime-node'
import { checkOptions, onnxRuntimeBackend, type OnnxRuntimeOptions } from '../backend.js'
import type { Runtime } from '../runtime.js'
import { openSession } from './session.js'
import { startThread, type Thread } from './thread.js'

/** Options of all backends on onnxruntime-node. `threads`: default all cores. */
export interface NodeOptions extends OnnxRuntimeOptions {
  /**
   * `lean` (default): weights over 512 MB are memory-mapped from the checkpoint's file. `fast`: they are repacked too,
   * and buffers are planned in advance: a few percent faster.
   */
  readonly memory?: 'lean' | 'fast' | undefined
  /** Whether onnxruntime may send usage data to Microsoft, its own default. Default: false. */
  readonly telemetry?: boolean | undefined
}

/**
 * A `Backend` on onnxruntime-node in a separate thread. `provider` has the session options of the device, in addition
 * to those of every session. Throws `BackendError` `E_BACKEND_UNAVAILABLE` if onnxruntime-node cannot be loaded,
 * `InputError` `E_BAD_OPTION`.
 */
export async function nodeBackend(
  name: string,
  provider: InferenceSession.SessionOptions,
  options: NodeOptions
): Promise<Backend> {
  const checked = checkNodeOptions(name, options)
  const thread = await startThread({ telemetry: checked.telemetry === true })
  return onnxRuntimeBackend(name, nodeRuntime(thread, provider, checked), checked)
}

/** A copy of the options. Throws `InputError` `E_BAD_OPTION` for unknown options and invalid values. */
function checkNodeOptions(name: string, options: NodeOptions): NodeOptions {
  const names = { threads: true, decompose: true, memory: true, telemetry: true, precision: true } as const
  const checked = readOptions(name, options, names)
  const { threads, decompose, precision, memory = 'lean', telemetry = false } = checked
  checkOptions({ threads, decompose, precision })
  if (memory !== 'lean' && memory !== 'fast')
    refuse('E_BAD_OPTION', `memory must be 'lean' or 'fast', found ${shown(memory)}`)
  if (typeof telemetry !== 'boolean')
    refuse('E_BAD_OPTION', `telemetry must be true or false, found ${shown(telemetry)}`)
  return checked
}

const endThread = (thread: Thread): Promise<unknown> => thread.call('end', {})

function nodeRuntime(thread: Thread, provider: InferenceSession.SessionOptions, options: NodeOptions): Runtime<number> {
  const runtime: Runtime<number> = {
    open: (g, { weightBytes, ...rest }) =>
      openSession(thread, g, { ...rest, session: sessionOptions(provider, options, weightBytes) }),
    async read(tensor, { dtype, shape }, part) {
      const tensorData: HostTensor = { dtype, shape, data: await thread.call('read', { tensor }) }
      return part ? partOf(tensorData, part) : tensorData
    },
    free(tensor) {
      thread.call('free', { tensor }).catch(() => {})
    },
    end(reason) {
      disposedOf(runtime)
      thread.end(reason)
    }
  }
  // The thread of a backend that was not disposed of ends once no model and no tensor uses it any more.
  whenCollected(runtime, thread, endThread)
  return runtime
}

/**
 * Weights up to this many bytes (ViT-B) are repacked even with `lean`: the file's pages are then released, at the cost
 * of a second of loading.
 */
const packLimit = 1 << 29

/** Session options for a model with this many bytes of weights. */
function sessionOptions(
  provider: InferenceSession.SessionOptions,
  { threads = availableParallelism(), memory = 'lean' }: NodeOptions,
  bytes: number
): InferenceSession.SessionOptions {
  const lean = memory === 'lean'
  return {
    ...provider,
    intraOpNumThreads: threads,
    enableMemPattern: !lean,
    logSeverityLevel: 4,
    extra: { ...provider.extra, ...(lean && bytes > packLimit ? { session: { disable_prepacking: '1' } } : {}) }
  }
}
