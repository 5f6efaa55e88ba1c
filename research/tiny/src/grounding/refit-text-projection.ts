import { f32, InputError, type HostTensor } from '@sam/core/graph'
import { ridgeRegression } from '../solve.js'

const [weight, bias] = ['prompt_encoder.text_projection.weight', 'prompt_encoder.text_projection.bias']

/** The same crops embedded by two CLIPs: unit vectors, of any two widths. */
export interface CropPairs {
  /** By the CLIP that the projection was trained with. */
  readonly from: readonly Float32Array[]
  /** By the CLIP that it is refitted to. */
  readonly to: readonly Float32Array[]
}

/** For `ridgeRegression`. */
const ridge = 0.02

/**
 * Refits a model's text projection to another CLIP: the new embedding is mapped to the old one by ridge regression over
 * the pairs, then projected as before. The model keeps most of what it has learnt of text, and a short training
 * recovers the rest. Throws `InputError` `E_BAD_OPTION` for a model without a projection, of another width, or with
 * fewer pairs than dimensions.
 */
export function refitTextProjection(
  params: Readonly<Record<string, HostTensor>>,
  { from, to }: CropPairs
): Record<string, HostTensor> {
  const old = params[weight]
  if (!old || old.shape[1] !== from[0]?.length)
    throw new InputError(
      'E_BAD_OPTION',
      `a text projection of ${from[0]?.length ?? 0} dimensions is needed, found ${old ? `one of ${old.shape[1]}` : 'none'}`
    )
  const [rows, known, dimensions] = [old.shape[0], old.shape[1], to[0].length]
  if (to.length !== from.length || to.length <= dimensions)
    throw new InputError(
      'E_BAD_OPTION',
      `more than ${dimensions} pairs of embeddings are needed, found ${from.length} and ${to.length}`
    )
  const { map, constant } = ridgeRegression(to, from, ridge)
  const through = (row: number, given: (k: number) => number): number =>
    map.reduce((sum, _, k) => sum + Number(old.data[row * known + k]) * given(k), 0)
  return {
    ...params,
    [weight]: f32(
      [rows, dimensions],
      Float32Array.from({ length: rows * dimensions }, (_, i) =>
        through(Math.floor(i / dimensions), k => map[k][i % dimensions])
      )
    ),
    [bias]: f32(
      [rows],
      Float32Array.from({ length: rows }, (_, row) => Number(params[bias].data[row]) + through(row, k => constant[k]))
    )
  }
}
