import type { HostTensor, Shape } from '@sam/core/graph'
import type { InferenceSession } from 'onnxruntime-node'
import type { elementTypes } from '../runtime.js'

/** A tensor as onnxruntime describes it. */
export interface OrtTensor {
  readonly type: (typeof elementTypes)[keyof typeof elementTypes]
  readonly shape: Shape
  readonly data: HostTensor['data']
}

/** What a result will be, known before it is computed. */
export interface Expected {
  readonly type: OrtTensor['type']
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
      feeds: Record<string, number | OrtTensor>
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
