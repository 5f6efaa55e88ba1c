import type { Value } from '@sam/core/graph'
import type { Buffer, View } from '../view.js'
import type { Epilogue } from './epilogue.js'
import type { Program } from './program.js'
import type { Tile } from './tile.js'

/** What a kernel may ask of the schedule it is lowered into. */
export interface Lowering {
  readonly limits: Limits
  /** The tile of large products, as measured on the device. */
  readonly largeTile: Tile
  /** Where a value lies. */
  view(value: Value): View
  /** A value as a whole buffer in order: copied if it is not one. */
  dense(value: Value): Buffer
  /** A view as a whole buffer in order: copied if it is not one. */
  copy(view: View): Buffer
  /** The buffer of a weight that is stored as packed halves, two in an i32, or undefined for any other value. */
  packed(value: Value): Buffer | undefined
  /** One more dispatch; gives its result. */
  emit(
    program: Program,
    inputs: readonly Buffer[],
    result: { length: number; type: Buffer['type']; flops?: number }
  ): Buffer
  /** What is applied to a contraction's sums before they are stored: found in the graph, no dispatch of its own. */
  epilogue(node: Value): Epilogue
}

/** The limits of a device that decide what can be run on it. */
export interface Limits {
  /** Bytes of the largest buffer a kernel can read. */
  readonly bufferBytes: number
  /** Bytes of memory a workgroup shares. */
  readonly sharedBytes: number
  /** Buffers a kernel can read and write at once. */
  readonly buffers: number
}

/** Every WebGPU device has at least these. */
export const defaultLimits: Limits = { bufferBytes: 128 * 2 ** 20, sharedBytes: 16384, buffers: 8 }

/** How an operation is run. */
export interface Kernel {
  /** For a composite: whether this node runs fused. A primitive always runs. */
  supports?(node: Value, limits: Limits): boolean
  /** Whether it applies an `Epilogue` to what it computes. */
  readonly epilogue?: boolean
  /** The input that it can read as packed halves (`Lowering.packed`), by its index. */
  readonly packedInput?: (node: Value) => number | undefined
  lower(node: Value, to: Lowering): View
}

export const typeOf = (value: Value): Buffer['type'] => (value.dtype === 'f32' || value.dtype === 'f16' ? 'f32' : 'i32')
