import { paramsOf, type Graph } from '../ir/graph.js'
import { nameOf } from '../ir/value.js'
import { absorbProjections } from '../passes/absorb-projections.js'
import { gridSize, lowResSize, tinyTest, tinyVitTest, type SamConfig } from '../sam/config.js'
import { decodeMasks, encodeImage, upscaleMasks, type PromptSignature } from '../sam/graphs.js'
import { f32, tensor, type HostTensor } from '../tensor/tensor.js'
import { hashFill } from '../weights/hash-fill.js'
import type { ConformanceCase } from './case.js'
import { randomTensor } from './random.js'

/** Few enough heads for a prompt's tokens to absorb the image's projections, as in the published decoders. */
const fewHeads: SamConfig = { ...tinyTest, decoder: { ...tinyTest.decoder, heads: 2 } }

/** The tiny SAM with hash-filled weights: encoder, decoder for every kind of prompt, upscaling. */
export const samCases = (): ConformanceCase[] => [
  samCase('encodeImage', encodeImage(tinyTest, { blocks: true }), {
    image: randomTensor([1, 3, 128, 128], { seed: 1, range: [-2, 2] })
  }),
  samCase('encodeImage with a TinyViT', encodeImage(tinyVitTest, { blocks: true }), {
    image: randomTensor([1, 3, 128, 128], { seed: 1, range: [-2, 2] })
  }),
  decode('a point', { prompts: 1, points: 2 }, [[1, -1]]),
  decode('a box and points', { prompts: 1, points: 4 }, [[1, 0, 2, 3]]),
  decode('a mask alone', { prompts: 1, points: 0, masks: true }, [[]]),
  decode('a mask and a point', { prompts: 1, points: 2, masks: true }, [[1, -1]]),
  decode('tokens and a point', { prompts: 1, points: 2, tokens: 1 }, [[0, -1]]),
  decode('a text', { prompts: 1, points: 0, text: 6 }, [[]]),
  decode('a text and a point', { prompts: 1, points: 2, text: 6 }, [[1, -1]]),
  decode('three prompts with text, of every kind', { prompts: 3, points: 3, tokens: 1, text: 6, masks: true }, [
    [1, 0, -1],
    [2, 3],
    []
  ]),
  decode('no prompt', { prompts: 1, points: 0 }, [[]]),
  decode('three prompts, padded', { prompts: 3, points: 4 }, [
    [1, -1],
    [2, 3],
    [1, 0, 2, 3]
  ]),
  decode('three prompts of every kind', { prompts: 3, points: 3, tokens: 2, masks: true }, [[1, 0, -1], [2, 3], []]),
  decode('a point, absorbing', { config: fewHeads, absorb: true, prompts: 1, points: 2 }, [[1, -1]]),
  decode(
    'three prompts of every kind, absorbing',
    { config: fewHeads, absorb: true, prompts: 3, points: 3, tokens: 2, masks: true },
    [[1, 0, -1], [2, 3], []]
  ),
  samCase(
    'upscaleMasks',
    upscaleMasks(tinyTest, { prompts: 1, masks: 3, inputSize: [85, 128], originalSize: [100, 150] }),
    { masks: randomTensor([1, 3, 32, 32], { seed: 2, range: [-8, 8] }) }
  )
]

/** A decode of prompts with these point labels; the rest of `points` is padding, which must have no effect. */
function decode(
  what: string,
  { config = tinyTest, absorb = false, ...signature }: PromptSignature & { config?: SamConfig; absorb?: boolean },
  labels: readonly (readonly number[])[]
): ConformanceCase {
  const { prompts, points, tokens = 0, text = 0, masks = false } = signature
  const columns = points + tokens + (text ? 1 : 0)
  const [g, low] = [gridSize(config), lowResSize(config)]
  const padded = labels.flatMap(row => Array.from({ length: points }, (_, i) => row[i] ?? 1))
  const present = labels.flatMap(row =>
    Array.from({ length: columns }, (_, i) => (i >= points || i < row.length ? 1 : 0))
  )
  const all: Record<string, HostTensor> = {
    image_embedding: randomTensor([1, config.width, g, g], { seed: 3 }),
    point_coords: randomTensor([prompts, points, 2], { seed: 4, range: [0, 128] }),
    point_labels: tensor('i32', [prompts, points], padded),
    tokens: randomTensor([prompts, tokens, config.width], { seed: 5 }),
    text: randomTensor([prompts, text], { seed: 7 }),
    token_mask: f32([prompts, columns], present),
    mask_input: randomTensor([prompts, low, low], { seed: 6, range: [-8, 8] }),
    has_mask: f32(
      [prompts],
      labels.map((_, i) => (masks && i % 2 === 0 ? 1 : 0))
    )
  }
  const graph = decodeMasks(config, signature)
  return samCase(`decodeMasks: ${what}`, absorb ? absorbProjections(graph, ['image_embedding']) : graph, all)
}

function samCase(name: string, g: Graph, tensors: Readonly<Record<string, HostTensor>>): ConformanceCase {
  const feeds = Object.fromEntries(g.inputs.map(v => [nameOf(v)!, tensors[nameOf(v)!]]))
  const weights = Object.fromEntries(
    paramsOf(g).map(p => [nameOf(p)!, f32(p.shape, hashFill({ name: nameOf(p)!, shape: p.shape }, 2023))])
  )
  return { name: `tiny SAM, ${name}`, graph: g, feeds, weights, tolerance: 1e-4 }
}
