import type { Value } from '@sam/core/graph'
import type { Buffer, View } from '../view.js'
import type { Epilogue } from './epilogue.js'
import type { Program } from './program.js'
import type { Tile } from './tile.js'

/** The interface of the schedule for lowering a kernel. */
export interface Lowering {
  readonly limits: Limits
  /** The tile of large products, measured on the device. */
  readonly largeTile: Tile
  /** The view of a value. */
  view(value: Value): View
  /** A value as a dense buffer, copied if necessary. */
  dense(value: Value): Buffer
  /** A view as a dense buffer, copied if necessary. */
  copy(view: View): Buffer
  /** The buffer of a weight packed as f16, two per i32; undefined for any other value. */
  packed(value: Value): Buffer | undefined
  /** Adds a dispatch and returns its result. */
  emit(
    program: Program,
    inputs: readonly Buffer[],
    result: { length: number; type: Buffer['type']; flops?: number }
  ): Buffer
  /** The operations of the graph to apply to a contraction's sums before they are stored. */
  epilogue(node: Value): Epilogue
}

/** The device limits that matter for kernels. */
export interface Limits {
  /** Bytes of the largest buffer that a kernel can bind. */
  readonly bufferBytes: number
  /** Bytes of workgroup memory. */
  readonly sharedBytes: number
  /** Buffers per kernel. */
  readonly buffers: number
}

/** The minimum limits of every WebGPU device. */
export const defaultLimits: Limits = { bufferBytes: 128 * 2 ** 20, sharedBytes: 16384, buffers: 8 }

/** The implementation of an operation. */
export interface Kernel {
  /** For a composite: whether this node runs fused. A primitive always runs. */
  supports?(node: Value, limits: Limits): boolean
  /** Whether it applies an `Epilogue` to its result. */
  readonly epilogue?: boolean
  /** The input that it can read as packed halves (`Lowering.packed`), by its index. */
  readonly packedInput?: (node: Value) => number | undefined
  lower(node: Value, to: Lowering): View
}

export const typeOf = (value: Value): Buffer['type'] => (value.dtype === 'f32' || value.dtype === 'f16' ? 'f32' : 'i32')
