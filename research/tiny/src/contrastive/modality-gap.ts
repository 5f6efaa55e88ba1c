import { encodeCrops, encodeText, normalized } from '@sam/clip'
import {
  f32,
  feedParams,
  memoryWeights,
  nameOf,
  type Backend,
  type Feeds,
  type Graph,
  type HostTensor
} from '@sam/core/graph'
import { applyMap, ridgeRegression, solveLinear, type LinearMap } from '../solve.js'
import type { ContrastiveFeeds } from './batches.js'
import type { ClipRecipe } from './recipe.js'

type Params = Readonly<Record<string, HostTensor>>

/** Embeddings before normalisation: crops and the phrases that are true of them, pair by pair. */
export interface Pairs {
  readonly images: readonly Float32Array[]
  readonly texts: readonly Float32Array[]
}

/** For `ridgeRegression`. */
const ridge = 0.1
/** Damping of `leastChange`: keeps biases within half precision for directions that a projection almost ignores. */
const biasDamping = 1e-5

/**
 * Modality-gap correction: makes phrase embeddings interchangeable with crop embeddings, as text prompts need (paper,
 * D.5). Contrastive training leaves the two in separate cones (Liang et al. 2022, "Mind the gap"). Crop embeddings are
 * mean-centred; phrase embeddings are mapped to their crops' by ridge regression, then crops to their phrases'. The
 * maps are folded into the projections, which keep their norm. A projection has no bias: constants go into the bias of
 * the layer norm before it, by the smallest change that projects to them.
 */
export function correctModalityGap(params: Params, { images, texts }: Pairs): Record<string, HostTensor> {
  const meanCrop = Float64Array.from(images[0], (_, k) => images.reduce((sum, x) => sum + x[k], 0) / images.length)
  const crops = images.map(x => normalized(x.map((v, k) => v - meanCrop[k])))
  const textMap = ridgeRegression(texts, crops, ridge)
  const phrases = texts.map(text => normalized(Float32Array.from(applyMap(textMap, text))))
  // Its constant is ignored: it holds for unit-length crops only.
  const cropMap = ridgeRegression(crops, phrases, ridge)
  const [textProjection, visualProjection] = [params['text_projection.weight'], params['visual_projection.weight']]
  const [text, visual] = [compose(textProjection, textMap.map), compose(visualProjection, cropMap.map)]
  const shifted = (bias: string, projection: HostTensor, by: ArrayLike<number>): Record<string, HostTensor> => {
    const change = leastChange(projection, Float64Array.from(by), biasDamping)
    return {
      [bias]: f32(
        params[bias].shape,
        Float32Array.from(params[bias].data, (b, i) => b + change[i])
      )
    }
  }
  return {
    ...params,
    ...shifted(
      'vision_model.post_layernorm.bias',
      visualProjection,
      meanCrop.map(v => -v)
    ),
    'visual_projection.weight': visual.weight,
    'text_projection.weight': text.weight,
    ...shifted(
      'text_model.final_layer_norm.bias',
      text.weight,
      textMap.constant.map(v => text.size * v)
    )
  }
}

/** Composes a projection with a linear map and scales it by `size` to its former norm. */
function compose({ shape, data }: HostTensor, map: LinearMap['map']): { weight: HostTensor<'f32'>; size: number } {
  const columns = shape[1]
  const turned = Float32Array.from({ length: data.length }, (_, i) =>
    map[Math.floor(i / columns)].reduce((sum, v, k) => sum + v * Number(data[k * columns + (i % columns)]), 0)
  )
  const size = Math.hypot(...data) / (Math.hypot(...turned) || 1)
  return {
    weight: f32(
      shape,
      turned.map(v => size * v)
    ),
    size
  }
}

/** The embedding pairs of some batches. */
export async function embeddingPairs(
  params: Params,
  batches: readonly ContrastiveFeeds[],
  { recipe: { config, batch, phrases, tokens }, backend }: { recipe: ClipRecipe; backend: Backend }
): Promise<Pairs> {
  const rows = async (graph: Graph, pick: (feeds: ContrastiveFeeds) => Feeds): Promise<Float32Array[]> => {
    const executable = await backend.compile(feedParams(graph), memoryWeights({}))
    const own = Object.fromEntries(
      executable.graph.inputs
        .map(v => nameOf(v)!)
        .filter(name => name in params)
        .map(name => [name, params[name]])
    )
    const found: Float32Array[] = []
    try {
      for (const feeds of batches) {
        const [output] = Object.values(await executable.run({ ...own, ...pick(feeds) }))
        const { data } = await output.read()
        output.dispose()
        for (let i = 0; i < phrases; i++)
          found.push(Float32Array.from(data.slice(i * config.projection, (i + 1) * config.projection)))
      }
    } finally {
      executable.dispose()
    }
    return found
  }
  return {
    images: await rows(encodeCrops(config, { images: batch, masked: true }), ({ pixel_values, mask_patches }) => ({
      pixel_values,
      mask_patches
    })),
    texts: await rows(encodeText(config, { texts: phrases, tokens }), ({ input_ids: ids }) => ({
      input_ids: { ...ids, shape: [phrases, tokens], data: ids.data.slice(0, phrases * tokens) }
    }))
  }
}

/**
 * The smallest x with W·x = y, for W with more columns than rows: Wᵀ(WWᵀ + λ)⁻¹y. λ is relative to the mean diagonal of
 * WWᵀ.
 */
export function leastChange(
  { shape: [rows, columns], data }: Pick<HostTensor, 'shape' | 'data'>,
  y: Float64Array,
  damping = 0
): Float64Array {
  const dot = (a: number, b: number): number => {
    let sum = 0
    for (let k = 0; k < columns; k++) sum += data[a * columns + k] * data[b * columns + k]
    return sum
  }
  const added = (damping * Math.hypot(...data) ** 2) / rows
  const z = solveLinear(
    Array.from({ length: rows }, (_, a) =>
      Float64Array.from({ length: rows + 1 }, (_v, b) => (b < rows ? dot(a, b) + (a === b ? added : 0) : y[a]))
    )
  )
  return Float64Array.from({ length: columns }, (_, k) => z.reduce((sum, v, a) => sum + v * data[a * columns + k], 0))
}
