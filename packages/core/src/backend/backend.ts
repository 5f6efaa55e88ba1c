import type { Graph } from '../ir/graph.js'
import type { Value } from '../ir/value.js'
import type { HostTensor } from '../tensor/tensor.js'
import type { Shape } from '../tensor/shape.js'
import type { DType } from '../tensor/dtype.js'
import type { WeightSource } from '../weights/source.js'

/** A tensor where its backend keeps it. It lives until it is disposed. */
export interface DeviceTensor {
  readonly shape: Shape
  readonly dtype: DType
  /** Brings the numbers home. Throws `BackendError` when the device was lost, `InputError` `E_DISPOSED` after `dispose`. */
  read(): Promise<HostTensor>
  dispose(): void
}

/** What a run is fed, by input name: host data, or the tensors another run of the same backend gave. */
export type Feeds = Readonly<Record<string, HostTensor | DeviceTensor>>

/** A compiled graph with its weights in place. */
export interface Executable {
  readonly graph: Graph
  /**
   * Computes every output. Feeds stay the caller's; outputs are the caller's to dispose and outlive the executable. Runs may overlap.
   * Throws `GraphError` where the feeds are not the declared inputs (`checkFeeds`), `InputError` `E_DISPOSED` after `dispose` and for a disposed
   * tensor among the feeds, and the signal's reason after an abort.
   */
  run(feeds: Feeds, options?: { signal?: AbortSignal }): Promise<Record<string, DeviceTensor>>
  /** Gives the memory back. May be called twice; so may every `dispose`. */
  dispose(): void
}

export interface CompileOptions {
  readonly signal?: AbortSignal | undefined
  /** Called as weights are put in place: bytes so far, and bytes in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * A device that runs graphs: a value that is passed in, never a registry. It knows primitives and the composites it keeps, and nothing of SAM.
 * `testing.ts` has the list of cases that every backend must pass, and `checkContract` for the promises made here.
 */
export interface Backend {
  /** As a user would say it: `cpu`, `cuda`, `webgpu`. */
  readonly name: string
  /** Whether this composite node is run whole, by a kernel of its own. Decided by looking at the node (head size, type, limits), never by trying. */
  keeps(node: Value): boolean
  /** Readies a graph: opens what is not kept, checks and places the weights. Throws `WeightsError` when they do not fit, `BackendError` when the device refuses. */
  compile(graph: Graph, weights: WeightSource, options?: CompileOptions): Promise<Executable>
  dispose(): void
}
