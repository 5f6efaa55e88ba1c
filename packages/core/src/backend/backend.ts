import type { Picture } from '../image/picture.js'
import type { Graph } from '../ir/graph.js'
import type { Value } from '../ir/value.js'
import type { HostTensor } from '../tensor/tensor.js'
import type { Shape } from '../tensor/shape.js'
import type { DType } from '../tensor/dtype.js'
import type { WeightSource } from '../weights/source.js'
import type { Part } from './part.js'

/** A tensor in its backend's memory. It lives until it is disposed. */
export interface DeviceTensor {
  readonly shape: Shape
  readonly dtype: DType
  /**
   * Copies to host memory: the full tensor, or a part with shape [length]. Throws `BackendError` if the device was
   * lost, `InputError` `E_DISPOSED` after `dispose`, `E_BAD_OPTION` for a part out of bounds.
   */
  read(part?: Part): Promise<HostTensor>
  dispose(): void
}

/** Inputs of a run by name: host tensors, or device tensors from another run on the same backend. */
export type Feeds = Readonly<Record<string, HostTensor | DeviceTensor>>

/** A compiled graph with its weights loaded. */
export interface Executable {
  readonly graph: Graph
  /**
   * Computes every output. The caller owns feeds and outputs; outputs outlive the executable. Runs may overlap. Throws
   * `GraphError` if the feeds do not match the declared inputs (`checkFeeds`), `InputError` `E_DISPOSED` after
   * `dispose` or for a disposed feed, and the signal's reason after an abort.
   */
  run(feeds: Feeds, options?: { signal?: AbortSignal }): Promise<Record<string, DeviceTensor>>
  /** Frees the memory. Idempotent, like every `dispose`. */
  dispose(): void
}

export interface CompileOptions {
  readonly signal?: AbortSignal | undefined
  /** Called as weights are loaded: bytes so far, and bytes in total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Target of `Backend.picture`: size, padding and normalisation. */
export interface PictureTarget {
  /** Size of the resized picture within the square. */
  readonly width: number
  readonly height: number
  /** Side of the square; the padding is 0. */
  readonly side: number
  /** Per channel, on the 0 … 255 scale. */
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/**
 * A device that runs graphs. It is passed in as a value; there is no registry. It implements the primitives and the
 * composites it keeps, and contains nothing specific to SAM. Every backend must pass `conformanceCases` and
 * `checkContract` of `testing.ts`.
 */
export interface Backend {
  /** The device as users name it: `cpu`, `cuda`, `webgpu`. */
  readonly name: string
  /**
   * Whether this composite node runs as a fused kernel. Depends on the node alone (head size, type, limits), not on a
   * trial compilation.
   */
  keeps(node: Value): boolean
  /**
   * Compiles a graph: decomposes what is not kept, checks and loads the weights. Throws `WeightsError` if the weights
   * do not match the graph, `BackendError` if compilation fails on the device.
   */
  compile(graph: Graph, weights: WeightSource, options?: CompileOptions): Promise<Executable>
  /**
   * Preprocesses a picture on the device to f32[1,3,side,side], within one grey level of `resizeImage` and
   * `normalizeImage` on the host. Optional. Throws `InputError` `E_BAD_IMAGE`, and `E_IMAGE_TOO_LARGE` beyond the
   * device's limits: then use the host path.
   */
  picture?(picture: Picture, target: PictureTarget): Promise<DeviceTensor>
  /**
   * After a lost device (`E_DEVICE_LOST`): opens a new one and reloads the weights of every live executable. Tensors
   * of the lost device stay lost. Does nothing if the device is not lost. Optional: for devices that can be lost.
   * Throws `BackendError` if no device is available.
   */
  recover?(): Promise<void>
  dispose(): void
}
