import type { DType, Graph, HostTensor, Part, Shape, WeightSource } from '@sam/core/graph'

/**
 * One build of onnxruntime: where its sessions run and where its tensors lie. `Handle` is what it knows a tensor by: a
 * number where the runtime has a thread of its own, the tensor itself where it shares the caller's memory.
 */
export interface Runtime<Handle> {
  /** Lowers a graph to ONNX and loads it. Throws `BackendError` when onnxruntime refuses. */
  open(g: Graph, options: OpenOptions): Promise<Session<Handle>>
  /** Copies a tensor, or a part of it, to host memory that belongs to the reader. */
  read(handle: Handle, type: TensorType, part?: Part): Promise<HostTensor>
  free(handle: Handle): void
  /** Called when the backend is disposed; what is still pending is rejected with `reason`. */
  end(reason: Error): void
}

export interface OpenOptions {
  readonly weights: WeightSource
  /** Inputs of the graph whose values are known: what the setup graph computed. */
  readonly initializers?: WeightSource | undefined
  /** Bytes of the weights of the whole model, as stored. */
  readonly weightBytes: number
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes that were copied since the last call. */
  readonly onBytes?: ((n: number) => void) | undefined
}

/** A graph loaded by onnxruntime. */
export interface Session<Handle> {
  /** The feeds are the caller's: a host tensor is copied, or read, before this returns. */
  run(feeds: Readonly<Record<string, HostTensor | Handle>>, signal?: AbortSignal): Promise<Record<string, Handle>>
  close(): void
}

export interface TensorType {
  readonly dtype: DType
  readonly shape: Shape
}

/** onnxruntime's name of each element type. */
export const elementTypes = { f32: 'float32', f16: 'float16', i32: 'int32', bool: 'bool' } as const
