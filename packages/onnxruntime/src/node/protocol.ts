import type { DType, HostTensor, Shape } from '@sam/core/graph'
import type { InferenceSession } from 'onnxruntime-node'

/** A tensor as it crosses between threads. */
export type Plain = Pick<HostTensor, 'dtype' | 'shape' | 'data'>

/** What a result will be, known before it is computed. */
export interface Expected {
  readonly dtype: DType
  readonly shape: Shape
  readonly bytes: number
}

/** What the runtime's thread can be asked. Sessions and tensors are numbers on this side. */
export interface Calls {
  /** Names of the execution providers that this build of the runtime knows. */
  backends: { args: Record<never, never>; result: string[] }
  open: { args: { model: Uint8Array; options: InferenceSession.SessionOptions }; result: number }
  /** Gives no tensors when `cancelled` was set before its turn came. */
  run: {
    args: {
      session: number
      feeds: Record<string, number | Plain>
      fetches: Record<string, Expected>
      cancelled: Int32Array
    }
    result: Record<string, number>
  }
  read: { args: { tensor: number }; result: HostTensor['data'] }
  free: { args: { tensor: number }; result: void }
  close: { args: { session: number }; result: void }
  end: { args: Record<never, never>; result: void }
}
