import type { Backend } from '@sam/core/graph'
import { nodeBackend, type NodeOptions } from '@sam/onnxruntime/node'

export type CpuOptions = NodeOptions

/**
 * Runs on the CPU. Default: all cores. Throws `BackendError` `E_BACKEND_UNAVAILABLE` if onnxruntime-node cannot be
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
      // The fused kernel of addition and norm is about six times as slow as the two that it replaces.
      extra: { optimization: { disable_specified_optimizers: 'SkipLayerNormFusion' } }
    },
    options
  )
