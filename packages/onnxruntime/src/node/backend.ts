import { availableParallelism } from 'node:os'
import { partOf, shown, type Backend, type HostTensor } from '@sam/core/graph'
import type { InferenceSession } from 'onnxruntime-node'
import { checkOptions, mustHold, onnxRuntimeBackend, type OnnxRuntimeOptions } from '../backend.js'
import type { Runtime } from '../runtime.js'
import { openSession } from './session.js'
import { startThread, type Thread } from './thread.js'

/** Options of every backend on onnxruntime-node. `threads`: default all cores. */
export interface NodeOptions extends OnnxRuntimeOptions {
  /**
   * `lean` (the default) computes with weights over 512 MB as pages of the checkpoint's file; `fast` repacks these too,
   * and plans buffers ahead: a few percent faster.
   */
  readonly memory?: 'lean' | 'fast' | undefined
  /** Whether onnxruntime may send usage data to Microsoft, as it does by default. Default: false. */
  readonly telemetry?: boolean | undefined
}

/**
 * A `Backend` on onnxruntime-node, in a thread of its own; `name` is the backend's. `provider` is what onnxruntime is
 * told of the device, besides what every session is told. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where
 * onnxruntime-node cannot be loaded, `InputError` `E_BAD_OPTION`.
 */
export async function nodeBackend(
  name: string,
  provider: InferenceSession.SessionOptions,
  options: NodeOptions
): Promise<Backend> {
  checkNodeOptions(options)
  const thread = await startThread({ telemetry: options.telemetry === true })
  return onnxRuntimeBackend(name, nodeRuntime(thread, provider, options), options)
}

/** Throws `InputError` `E_BAD_OPTION` for an option that these backends do not know, and for a value that is not one. */
export function checkNodeOptions(options: NodeOptions): void {
  const { threads, decompose, memory = 'lean', telemetry = false, ...unknown } = options
  checkOptions({ threads, decompose })
  mustHold(memory === 'lean' || memory === 'fast', `memory must be 'lean' or 'fast', found ${shown(memory)}`)
  mustHold(typeof telemetry === 'boolean', `telemetry must be true or false, found ${shown(telemetry)}`)
  const [other] = Object.keys(unknown)
  mustHold(
    other === undefined,
    `the options must be among threads, memory, decompose and telemetry, found ${shown(other)}`
  )
}

function nodeRuntime(thread: Thread, provider: InferenceSession.SessionOptions, options: NodeOptions): Runtime<number> {
  return {
    open: (g, { weightBytes, ...rest }) =>
      openSession(thread, g, { ...rest, session: sessionOptions(provider, options, weightBytes) }),
    async read(tensor, { dtype, shape }, part) {
      const whole: HostTensor = { dtype, shape, data: await thread.call('read', { tensor }) }
      return part ? partOf(whole, part) : whole
    },
    free(tensor) {
      thread.call('free', { tensor }).catch(() => {})
    },
    end: reason => thread.end(reason)
  }
}

/**
 * Weights up to this many bytes (ViT-B) are repacked even where memory is to be lean: the file's pages are then let go,
 * so it costs a second of loading.
 */
const packLimit = 1 << 29

/** What the runtime is told for a model with this many bytes of weights. */
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
