import { graph, type Graph } from '../ir/graph.js'
import { input, param, type Value } from '../ir/value.js'
import { decompose } from '../passes/decompose.js'
import type { DType } from '../tensor/dtype.js'
import { sizeOf, type Shape } from '../tensor/shape.js'
import { tensor, type HostTensor } from '../tensor/tensor.js'
import { randomTensor } from './random.js'

/** A graph with its feeds and weights, on which a backend must agree with the reference evaluator. */
export interface ConformanceCase {
  readonly name: string
  readonly graph: Graph
  readonly feeds: Readonly<Record<string, HostTensor>>
  readonly weights: Readonly<Record<string, HostTensor>>
  /**
   * Largest allowed absolute error of a float output, relative to max(1, largest expected magnitude). Integers and
   * booleans must be exact.
   */
  readonly tolerance: number
}

/** Contents of a case's tensor: random numbers of a range and type, or explicit values. */
export interface Fill {
  readonly dtype?: DType
  readonly range?: readonly [number, number]
  /** Repeated to fill the shape. */
  readonly values?: readonly number[]
}

/** Creates a case's leaves: each call a new one, x0, x1 … and p0, p1 … */
export interface Leaves {
  input(shape: Shape, fill?: Fill): Value
  param(shape: Shape, fill?: Omit<Fill, 'dtype'>): Value
}

/**
 * A case from a function that builds its outputs. Its random numbers are reproducible: the case's name is the seed.
 */
export function conformanceCase(
  name: string,
  build: (leaves: Leaves) => Value | Readonly<Record<string, Value>>,
  tolerance = 1e-5
): ConformanceCase {
  const [feeds, weights]: [Record<string, HostTensor>, Record<string, HostTensor>] = [{}, {}]
  const declared: Value[] = []
  const filled = (shape: Shape, leaf: string, { dtype = 'f32', range, values }: Fill): HostTensor =>
    values
      ? tensor(
          dtype,
          shape,
          Array.from({ length: sizeOf(shape) }, (_, i) => values[i % values.length])
        )
      : randomTensor(shape, { seed: seedOf(`${name}/${leaf}`), dtype, ...(range ? { range } : {}) })
  const built = build({
    input(shape, fill = {}) {
      const leaf = `x${declared.length}`
      feeds[leaf] = filled(shape, leaf, fill)
      const value = input(leaf, shape, fill.dtype)
      declared.push(value)
      return value
    },
    param(shape, fill = {}) {
      const leaf = `p${Object.keys(weights).length}`
      weights[leaf] = filled(shape, leaf, fill)
      return param(leaf, shape)
    }
  })
  return {
    name,
    graph: graph('conformance', 'op' in built ? { y: built as Value } : built, declared),
    feeds,
    weights,
    tolerance
  }
}

/** The same case with every composite decomposed; the expected values are the same. */
export const decomposed = (c: ConformanceCase): ConformanceCase => ({
  ...c,
  name: `${c.name} (decomposed)`,
  graph: decompose(c.graph, () => false)
})

const seedOf = (text: string): number =>
  [...text].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193), 0x811c9dc5 | 0)
