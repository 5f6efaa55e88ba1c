import type { HostTensor, Shape } from '@sam/core/graph'
import type { InferenceSession } from 'onnxruntime-node'
import type { elementTypes } from '../runtime.js'

/** A tensor as onnxruntime describes it. */
export interface OrtTensor {
  readonly type: (typeof elementTypes)[keyof typeof elementTypes]
  readonly shape: Shape
  readonly data: HostTensor['data']
}

/** Shape and type of a result, known in advance. */
export interface Expected {
  readonly type: OrtTensor['type']
  readonly shape: Shape
  readonly bytes: number
}

/** Calls to the runtime's thread. Sessions and tensors are identified by numbers. */
export interface Calls {
  /** Names of the execution providers of this build of the runtime. */
  backends: { args: Record<never, never>; result: string[] }
  open: { args: { model: Uint8Array; options: InferenceSession.SessionOptions }; result: number }
  /** Returns no tensors if `cancelled` was set before the run started. */
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
