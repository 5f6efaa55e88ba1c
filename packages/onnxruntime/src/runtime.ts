import type { DType, Graph, HostTensor, Part, Shape, WeightSource } from '@sam/core/graph'
import type { Precision } from '@sam/onnx'

/**
 * One build of onnxruntime, with its sessions and tensors. `Handle` identifies a tensor: a number if the runtime has
 * its own thread, the tensor itself if it shares the caller's memory.
 */
export interface Runtime<Handle> {
  /** Lowers a graph to ONNX and loads it. Throws `BackendError` if onnxruntime fails. */
  open(g: Graph, options: OpenOptions): Promise<Session<Handle>>
  /** Copies a tensor, or a part of it, to host memory owned by the caller. */
  read(handle: Handle, type: TensorType, part?: Part): Promise<HostTensor>
  free(handle: Handle): void
  /** Called when the backend is disposed; pending calls reject with `reason`. */
  end(reason: Error): void
}

export interface OpenOptions {
  readonly weights: WeightSource
  /** Inputs of the graph with known values: the outputs of the setup graph. */
  readonly initializers?: WeightSource | undefined
  /** Bytes of all weights of the model, as stored. */
  readonly weightBytes: number
  /** How weights of linear layers are kept. Default: f32. */
  readonly precision?: Precision | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes copied since the last call. */
  readonly onBytes?: ((n: number) => void) | undefined
}

/** A graph loaded by onnxruntime. */
export interface Session<Handle> {
  /** The caller owns the feeds: host tensors are copied or read before this returns. */
  run(feeds: Readonly<Record<string, HostTensor | Handle>>, signal?: AbortSignal): Promise<Record<string, Handle>>
  close(): void
}

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
}

/** onnxruntime's name of each element type. */
export const elementTypes = { f32: 'float32', f16: 'float16', i32: 'int32', bool: 'bool' } as const
