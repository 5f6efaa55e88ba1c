import { encodeCrops, encodeText } from '@sam/clip'
import { f32, feedParams, memoryWeights, nameOf, type Backend, type Feeds, type Graph, type HostTensor } from '@sam/core/graph'
import { solved } from '../solve.js'
import type { ContrastiveFeeds } from './batches.js'
import type { ClipRecipe } from './recipe.js'

type Params = Readonly<Record<string, HostTensor>>

/** Where each tower's embeddings lie on the whole, [projection]. */
export interface Means {
  readonly images: Float64Array
  readonly texts: Float64Array
}

/**
 * Moves the embeddings of both towers so that their means are 0. Contrastive training leaves pictures and phrases in two cones apart from each other (Liang et
 * al. 2022, "Mind the gap"), which ranks well, but a phrase cannot take the place of a picture, as text prompts ask of it (paper, D.5). A projection has no bias, so
 * its norm's bias takes the move: the least change whose projection is the mean.
 */
export function centred(params: Params, { images, texts }: Means): Record<string, HostTensor> {
  const moved = (bias: string, projection: string, mean: Float64Array): Record<string, HostTensor> => {
    const change = leastChange(params[projection], mean)
    return { [bias]: f32(params[bias].shape, Float32Array.from(params[bias].data, (b, i) => b - change[i])) }
  }
  return {
    ...params, ...moved('vision_model.post_layernorm.bias', 'visual_projection.weight', images),
    ...moved('text_model.final_layer_norm.bias', 'text_projection.weight', texts)
  }
}

/** The means over some batches: of the crops, and of the phrases that are true of them. */
export async function embeddingMeans(params: Params, batches: readonly ContrastiveFeeds[], { recipe: { config, batch, phrases, tokens }, backend }: { recipe: ClipRecipe; backend: Backend }): Promise<Means> {
  const mean = async (graph: Graph, rows: number, pick: (feeds: ContrastiveFeeds) => Feeds): Promise<Float64Array> => {
    const executable = await backend.compile(feedParams(graph), memoryWeights({}))
    const own = Object.fromEntries(executable.graph.inputs.map(v => nameOf(v)!).filter(name => name in params).map(name => [name, params[name]]))
    const sum = new Float64Array(config.projection)
    try {
      for (const feeds of batches) {
        const [output] = Object.values(await executable.run({ ...own, ...pick(feeds) }))
        const { data } = await output.read()
        output.dispose()
        for (let i = 0; i < data.length; i++) sum[i % sum.length] += data[i] / (rows * batches.length)
      }
    } finally {
      executable.dispose()
    }
    return sum
  }
  return {
    images: await mean(encodeCrops(config, { images: batch, masked: true }), batch, ({ pixel_values, mask_patches }) => ({ pixel_values, mask_patches })),
    texts: await mean(encodeText(config, { texts: phrases, tokens }), phrases, ({ input_ids: ids }) => ({ input_ids: { ...ids, shape: [phrases, tokens], data: ids.data.slice(0, phrases * tokens) } }))
  }
}

/** The shortest x with W·x = y, for W of more columns than rows: Wᵀ(WWᵀ)⁻¹y. */
export function leastChange({ shape: [rows, columns], data }: Pick<HostTensor, 'shape' | 'data'>, y: Float64Array): Float64Array {
  const dot = (a: number, b: number): number => { let sum = 0; for (let k = 0; k < columns; k++) sum += data[a * columns + k] * data[b * columns + k]; return sum }
  const z = solved(Array.from({ length: rows }, (_, a) => Float64Array.from({ length: rows + 1 }, (_v, b) => b < rows ? dot(a, b) : y[a])))
  return Float64Array.from({ length: columns }, (_, k) => z.reduce((sum, v, a) => sum + v * data[a * columns + k], 0))
}
