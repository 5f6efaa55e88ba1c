import type { Picture } from '../image/picture.js'
import type { Graph } from '../ir/graph.js'
import type { Value } from '../ir/value.js'
import type { HostTensor } from '../tensor/tensor.js'
import type { Shape } from '../tensor/shape.js'
import type { DType } from '../tensor/dtype.js'
import type { WeightSource } from '../weights/source.js'
import type { Part } from './part.js'

/** A tensor where its backend keeps it. It lives until it is disposed. */
export interface DeviceTensor {
  readonly shape: Shape
  readonly dtype: DType
  /**
   * Copies to host memory: all of it, or a part, which then has the shape [length]. Throws `BackendError` when the
   * device was lost, `InputError` `E_DISPOSED` after `dispose`, `E_BAD_OPTION` for a part that is not inside.
   */
  read(part?: Part): Promise<HostTensor>
  dispose(): void
}

/** What a run is fed, by input name: host data, or the tensors another run of the same backend gave. */
export type Feeds = Readonly<Record<string, HostTensor | DeviceTensor>>

/** A compiled graph with its weights in place. */
export interface Executable {
  readonly graph: Graph
  /**
   * Computes every output. Feeds stay the caller's; outputs are the caller's to dispose and outlive the executable.
   * Runs may overlap. Throws `GraphError` where the feeds are not the declared inputs (`checkFeeds`), `InputError`
   * `E_DISPOSED` after `dispose` and for a disposed tensor among the feeds, and the signal's reason after an abort.
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

/** What a picture becomes. */
export interface PictureTarget {
  /** Size that the picture is resized to, within the square. */
  readonly width: number
  readonly height: number
  /** Side of the square; what the picture does not fill is 0. */
  readonly side: number
  /** Per channel, on the 0 … 255 scale. */
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/**
 * A device that runs graphs: a value that is passed in, never a registry. It knows primitives and the composites it
 * keeps, and nothing of SAM. `testing.ts` has the list of cases that every backend must pass, and `checkContract` for
 * the promises made here.
 */
export interface Backend {
  /** As a user would say it: `cpu`, `cuda`, `webgpu`. */
  readonly name: string
  /**
   * Whether this composite node runs fused, by a kernel of its own. Decided by looking at the node (head size, type,
   * limits), never by trying.
   */
  keeps(node: Value): boolean
  /**
   * Compiles a graph: decomposes what is not kept, checks and places the weights. Throws `WeightsError` when they do not fit,
   * `BackendError` when the device refuses.
   */
  compile(graph: Graph, weights: WeightSource, options?: CompileOptions): Promise<Executable>
  /**
   * A picture as f32[1,3,side,side] by the device's own means, within one grey level of `resizeImage` and
   * `normalizeImage` on the host. Only where the device has such a way. Throws `InputError` `E_BAD_IMAGE`, and
   * `E_IMAGE_TOO_LARGE` past the device's limits: the host's way remains.
   */
  picture?(picture: Picture, target: PictureTarget): Promise<DeviceTensor>
  /**
   * After the device was lost (`E_DEVICE_LOST`): opens another and places every living executable's weights again.
   * Tensors of the lost device stay lost. Does nothing while the device is there. Only where a device can be lost.
   * Throws `BackendError` where no device can be had.
   */
  recover?(): Promise<void>
  dispose(): void
}
