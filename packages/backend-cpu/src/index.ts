import type { Backend } from '@sam/core/graph'
import { nodeBackend, type NodeOptions } from '@sam/onnxruntime/node'

export type CpuOptions = NodeOptions

/**
 * The CPU, by default on all cores. Throws `BackendError` `E_BACKEND_UNAVAILABLE` where onnxruntime-node cannot be
 * loaded, `InputError` `E_BAD_OPTION`.
 *
 * @example
 * const backend = await cpu({ threads: 8 })
 */
export const cpu = (options: CpuOptions = {}): Promise<Backend> =>
  nodeBackend(
    'cpu',
    {
      executionProviders: ['cpu'],
      // The fused kernel of addition and norm takes about six times as long as the two it replaces.
      extra: { optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' } }
    },
    options
  )
