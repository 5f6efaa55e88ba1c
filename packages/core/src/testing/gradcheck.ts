import { graph } from '../ir/graph.js'
import { constant, nameOf, param, type Value } from '../ir/value.js'
import { mul, reduceSum } from '../ops/build.js'
import { differentiate } from '../passes/differentiate.js'
import { evaluate } from '../reference/evaluate.js'
import type { Exact } from '../reference/exact.js'
import { sizeOf, type Shape } from '../tensor/shape.js'
import { f32 } from '../tensor/tensor.js'

export interface GradcheckOptions {
  /** Step of the central difference: half the distance of its two points. */
  readonly step?: number
  /** Values of the inputs. Default: distinct values of magnitude 0.2 to 1.5. */
  readonly values?: readonly ArrayLike<number>[]
}

/**
 * Differentiates Σ weights·f(inputs), with fixed uneven weights, and compares every element of every input's gradient
 * with a central difference, in f64 on the reference evaluator. Returns the largest |difference| / (1 + |expected|).
 */
export function gradcheck(
  f: (...inputs: Value[]) => Value,
  shapes: readonly Shape[],
  { step = 1e-5, values }: GradcheckOptions = {}
): number {
  const names = shapes.map((_, i) => `x${i}`)
  const y = f(...shapes.map((shape, i) => param(names[i], shape)))
  const weighted = mul(y, constant(f32(y.shape, varied(sizeOf(y.shape), 77))))
  const g = graph('gradcheck', { loss: reduceSum(weighted, [...y.shape.keys()]) })

  const point = shapes.map(
    (shape, i): Exact => ({ shape, dtype: 'f32', data: Float64Array.from(values?.[i] ?? varied(sizeOf(shape), i)) })
  )
  const bind = (leaf: Value): Exact => point[names.indexOf(nameOf(leaf)!)]
  const found = evaluate(differentiate(g, { loss: 'loss', wrt: names }), bind)
  const lossAt = ({ data }: Exact, at: number, value: number): number => {
    const kept = data[at]
    data[at] = value
    const { loss } = evaluate(g, bind)
    data[at] = kept
    return loss.data[0]
  }

  let worst = 0
  for (const [i, x] of point.entries()) {
    const gradient = found[`grad/${names[i]}`].data
    for (let at = 0; at < x.data.length; at++) {
      const centre = x.data[at]
      const expected = (lossAt(x, at, centre + step) - lossAt(x, at, centre - step)) / (2 * step)
      const error = Math.abs(gradient[at] - expected) / (1 + Math.abs(expected))
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error)
    }
  }
  return worst
}

/** Distinct numbers in ±[0.2, 1.5), reproducible from a seed. */
export function varied(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453
    const unit = x - Math.floor(x)
    return (0.2 + 1.3 * unit) * (i % 3 === 1 ? -1 : 1)
  })
}
