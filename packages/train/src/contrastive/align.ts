import { encodeCrops, encodeText, normalized } from '@sam/clip'
import { f32, feedParams, memoryWeights, nameOf, type Backend, type Feeds, type Graph, type HostTensor } from '@sam/core/graph'
import { regression, solved } from '../solve.js'
import type { ContrastiveFeeds } from './batches.js'
import type { ClipRecipe } from './recipe.js'

type Params = Readonly<Record<string, HostTensor>>

/** Raw embeddings, as the towers give them: crops and the phrases that are true of them, pair by pair. */
export interface Pairs {
  readonly images: readonly Float32Array[]
  readonly texts: readonly Float32Array[]
}

/** Of `regression`. */
const ridge = 0.1
/** Of `leastChange`: what a projection hardly reaches, as after it was aligned once, is not reached by a bias beyond half precision. */
const unreached = 1e-5

/**
 * A trained CLIP set up for phrases to take the place of pictures, as text prompts ask of it (paper, D.5). Contrastive training leaves both in two cones apart from each other (Liang et
 * al. 2022, "Mind the gap"), which ranks well. So crops are moved to have the mean 0, and a phrase's projection is followed by the linear map that comes closest to the crops it was said of.
 * A projection has no bias: its norm's bias takes what is constant, by the least change whose projection it is. What is projected is normalised, so the projection keeps its size: a CLIP that is
 * trained on has gradients of the usual size.
 */
export function aligned(params: Params, { images, texts }: Pairs): Record<string, HostTensor> {
  const middle = Float64Array.from(images[0], (_, k) => images.reduce((sum, x) => sum + x[k], 0) / images.length)
  const { map, constant } = regression(texts, images.map(x => normalized(x.map((v, k) => v - middle[k]))), ridge)
  const old = params['text_projection.weight']
  const [rows, columns] = old.shape as [number, number]
  const turned = Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns]
    return map[row].reduce((sum, v, k) => sum + v * Number(old.data[k * columns + column]), 0)
  })
  const size = Math.hypot(...old.data) / (Math.hypot(...turned) || 1)
  const weight = f32(old.shape, turned.map(v => size * v))
  const moved = (bias: string, projection: HostTensor, by: ArrayLike<number>): Record<string, HostTensor> => {
    const change = leastChange(projection, Float64Array.from(by), unreached)
    return { [bias]: f32(params[bias].shape, Float32Array.from(params[bias].data, (b, i) => b + change[i])) }
  }
  return {
    ...params, ...moved('vision_model.post_layernorm.bias', params['visual_projection.weight'], middle.map(v => -v)),
    'text_projection.weight': weight, ...moved('text_model.final_layer_norm.bias', weight, constant.map(v => size * v))
  }
}

/** The pairs of some batches. */
export async function embeddingPairs(params: Params, batches: readonly ContrastiveFeeds[], { recipe: { config, batch, phrases, tokens }, backend }: { recipe: ClipRecipe; backend: Backend }): Promise<Pairs> {
  const rows = async (graph: Graph, pick: (feeds: ContrastiveFeeds) => Feeds): Promise<Float32Array[]> => {
    const executable = await backend.compile(feedParams(graph), memoryWeights({}))
    const own = Object.fromEntries(executable.graph.inputs.map(v => nameOf(v)!).filter(name => name in params).map(name => [name, params[name]]))
    const found: Float32Array[] = []
    try {
      for (const feeds of batches) {
        const [output] = Object.values(await executable.run({ ...own, ...pick(feeds) }))
        const { data } = await output.read()
        output.dispose()
        for (let i = 0; i < phrases; i++) found.push(Float32Array.from(data.slice(i * config.projection, (i + 1) * config.projection)))
      }
    } finally {
      executable.dispose()
    }
    return found
  }
  return {
    images: await rows(encodeCrops(config, { images: batch, masked: true }), ({ pixel_values, mask_patches }) => ({ pixel_values, mask_patches })),
    texts: await rows(encodeText(config, { texts: phrases, tokens }), ({ input_ids: ids }) => ({ input_ids: { ...ids, shape: [phrases, tokens], data: ids.data.slice(0, phrases * tokens) } }))
  }
}

/** The shortest x with W·x = y, for W of more columns than rows: Wᵀ(WWᵀ + λ)⁻¹y. λ, as a part of WWᵀ's mean diagonal, leaves out of y what only a long x could give. */
export function leastChange({ shape: [rows, columns], data }: Pick<HostTensor, 'shape' | 'data'>, y: Float64Array, damping = 0): Float64Array {
  const dot = (a: number, b: number): number => { let sum = 0; for (let k = 0; k < columns; k++) sum += data[a * columns + k] * data[b * columns + k]; return sum }
  const added = damping * Math.hypot(...data) ** 2 / rows
  const z = solved(Array.from({ length: rows }, (_, a) => Float64Array.from({ length: rows + 1 }, (_v, b) => b < rows ? dot(a, b) + (a === b ? added : 0) : y[a])))
  return Float64Array.from({ length: columns }, (_, k) => z.reduce((sum, v, a) => sum + v * data[a * columns + k], 0))
}
