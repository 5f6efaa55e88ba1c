import type { SamConfig } from '@sam/core'
import { gridSize } from '@sam/core/model'
import {
  f32,
  graph,
  input,
  memoryWeights,
  sizeOf,
  type Backend,
  type DeviceTensor,
  type Executable,
  type HostTensor
} from '@sam/core/graph'
import { concat } from './data/concat.js'
import type { State } from './checkpoint/state.js'
import { encoderGraph } from './step.js'

export interface EmbeddingOptions {
  readonly config: SamConfig
  /** B: images per batch. */
  readonly images: number
  readonly backend: Backend
  readonly state: State
}

/** Image embeddings of a training step. */
export interface Embeddings {
  /**
   * The embeddings of B images f32[1,3,S,S], as f32[B,C,g,g] on the device; the caller disposes them. `indices` are the
   * images' indices in the data set.
   */
  of(images: readonly HostTensor<'f32'>[], indices: readonly number[]): Promise<DeviceTensor>
  dispose(): void
}

/** Recomputed each time with the encoder's current weights. */
export async function recomputedEmbeddings({ config, images, backend, state }: EmbeddingOptions): Promise<Embeddings> {
  const encoder = await backend.compile(encoderGraph(config, images), memoryWeights({}))
  return { of: given => embed(encoder, state, concat(given)), dispose: () => encoder.dispose() }
}

/** 4 GiB: a thousand embeddings of the published models, 65,000 of `tiny`. */
export const defaultEmbeddingBytes = 2 ** 32

/**
 * For a frozen encoder and finite data: each image is encoded once, and its embedding cached in host memory while
 * `bytes` allow. Images are encoded one at a time, so that an embedding does not depend on its
 * batch: a resumed run has the same values.
 */
export async function cachedEmbeddings(
  { config, images, backend, state }: EmbeddingOptions,
  bytes: number
): Promise<Embeddings> {
  const shape = [images, config.width, gridSize(config), gridSize(config)]
  const size = sizeOf(shape) / images
  const encoder = await backend.compile(encoderGraph(config, 1), memoryWeights({}))
  // Copies a batch to the device once, for all its uses.
  const upload = await backend.compile(
    graph('upload', { image_embedding: input('embedding', shape) }),
    memoryWeights({})
  )
  const known = new Map<number, HostTensor>()
  const one = async (image: HostTensor<'f32'>, index: number): Promise<HostTensor> => {
    const cached = known.get(index)
    if (cached) return cached
    const embedding = await embed(encoder, state, image)
    const read = await embedding.read()
    embedding.dispose()
    if ((known.size + 1) * size * Float32Array.BYTES_PER_ELEMENT <= bytes) known.set(index, read)
    return read
  }
  return {
    async of(given, indices) {
      const read: HostTensor[] = []
      for (const [i, image] of given.entries()) read.push(await one(image, indices[i]))
      return (await upload.run({ embedding: f32(shape, concat(read).data) })).image_embedding
    },
    dispose() {
      encoder.dispose()
      upload.dispose()
      known.clear()
    }
  }
}

const embed = async (encoder: Executable, state: State, image: HostTensor): Promise<DeviceTensor> =>
  (await encoder.run({ ...state.feeds(encoder.graph), image })).image_embedding
