import { gridSize, type SamConfig } from '@sam/core'
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
  /** B: images at once. */
  readonly images: number
  readonly backend: Backend
  readonly state: State
}

/** Where a step's image embeddings come from. */
export interface Embeddings {
  /**
   * Those of B images f32[1,3,S,S], on the device as f32[B,C,g,g] and the caller's to dispose. `places` are the images'
   * numbers in their dataset.
   */
  of(images: readonly HostTensor<'f32'>[], places: readonly number[]): Promise<DeviceTensor>
  dispose(): void
}

/** Computed anew each time, with the encoder as it is now. */
export async function recomputedEmbeddings({ config, images, backend, state }: EmbeddingOptions): Promise<Embeddings> {
  const encoder = await backend.compile(encoderGraph(config, images), memoryWeights({}))
  return { of: given => embed(encoder, state, concat(given)), dispose: () => encoder.dispose() }
}

/** 4 GiB: a thousand embeddings of the published models, 65,000 of `tiny`. */
export const defaultEmbeddingBytes = 2 ** 32

/**
 * For an encoder that does not learn and images that come again: each is encoded once, and its embedding kept in the
 * host's memory as long as there is room for it in `bytes`. One image is encoded at a time, so that an embedding is a
 * function of its image alone, whatever batch it first came in: a run that is resumed meets the same numbers.
 */
export async function cachedEmbeddings(
  { config, images, backend, state }: EmbeddingOptions,
  bytes: number
): Promise<Embeddings> {
  const shape = [images, config.width, gridSize(config), gridSize(config)]
  const size = sizeOf(shape) / images
  const encoder = await backend.compile(encoderGraph(config, 1), memoryWeights({}))
  // Brings a batch to the device once, for all that looks at it.
  const upload = await backend.compile(graph('upload', { image_embedding: input('kept', shape) }), memoryWeights({}))
  const known = new Map<number, HostTensor>()
  const one = async (image: HostTensor<'f32'>, place: number): Promise<HostTensor> => {
    const kept = known.get(place)
    if (kept) return kept
    const embedding = await embed(encoder, state, image)
    const read = await embedding.read()
    embedding.dispose()
    if ((known.size + 1) * size * Float32Array.BYTES_PER_ELEMENT <= bytes) known.set(place, read)
    return read
  }
  return {
    async of(given, places) {
      const read: HostTensor[] = []
      for (const [i, image] of given.entries()) read.push(await one(image, places[i]))
      return (await upload.run({ kept: f32(shape, concat(read).data) })).image_embedding
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
