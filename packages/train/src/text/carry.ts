import { f32, InputError, type HostTensor } from '@sam/core/graph'
import { solved } from '../solve.js'

const [weight, bias] = ['prompt_encoder.text_projection.weight', 'prompt_encoder.text_projection.bias']

/** The same crops, seen by two CLIPs: embeddings of length 1, of any numbers of numbers. */
export interface CropPairs {
  /** Of the CLIP that the projection was learnt with. */
  readonly from: readonly Float32Array[]
  /** Of the one that it is to read. */
  readonly to: readonly Float32Array[]
}

/** What keeps directions that no crop shows from being blown up, as a part of the mean square of a number. */
const ridge = 0.02

/**
 * A model's text projection turned from one CLIP to another: the new embedding goes through the linear map that comes closest to the old one over the pairs (ridge regression, with a
 * constant), then through the projection as it was. What a model has learnt of text outlives its CLIP so, and a little training does the rest. Throws `InputError` `E_BAD_OPTION` for a
 * model without a projection, of another width, or fewer pairs than numbers.
 */
export function carried(params: Readonly<Record<string, HostTensor>>, { from, to }: CropPairs): Record<string, HostTensor> {
  const old = params[weight]
  if (!old || old.shape[1] !== from[0]?.length) throw new InputError('E_BAD_OPTION', `a text projection of ${from[0]?.length ?? 0} numbers must be there, found ${old ? `one of ${old.shape[1]}` : 'none'}`)
  const [rows, known, numbers] = [old.shape[0], old.shape[1], to[0].length]
  if (to.length !== from.length || to.length <= numbers) throw new InputError('E_BAD_OPTION', `more than ${numbers} pairs of embeddings are needed, found ${from.length} and ${to.length}`)
  const seen = to.map(x => Float64Array.of(...x, 1))
  const square = (a: number, b: number): number => seen.reduce((sum, x) => sum + x[a] * x[b], a === b && a < numbers ? ridge * to.length / numbers : 0)
  const moments = Array.from({ length: numbers + 1 }, (_, a) => Float64Array.from({ length: numbers + 1 }, (_v, b) => square(a, b)))
  /** For each number of the old embedding, what each of the new one and the constant give to it. */
  const map = Array.from({ length: known }, (_, k) => solved(moments.map((row, a) => Float64Array.of(...row, seen.reduce((sum, x, i) => sum + x[a] * from[i][k], 0)))))
  const through = (row: number, a: number): number => map.reduce((sum, given, k) => sum + Number(old.data[row * known + k]) * given[a], 0)
  return {
    ...params,
    [weight]: f32([rows, numbers], Float32Array.from({ length: rows * numbers }, (_, i) => through(Math.floor(i / numbers), i % numbers))),
    [bias]: f32([rows], Float32Array.from({ length: rows }, (_, row) => Number(params[bias].data[row]) + through(row, numbers)))
  }
}
