import { GraphError } from '../../errors.js'
import { describe, type Composite, type Value } from '../../ir/value.js'
import { add, compose, matmul, reshape, swap } from '../build.js'
import { sum } from '../sugar.js'

export const linearComposite: Composite = {
  name: 'linear',
  decompose([x, weight, bias]) {
    const rows = reshape(x, [-1, x.shape.at(-1)!])
    const product = matmul(rows, swap(weight))
    return reshape(bias ? add(product, bias) : product, [...x.shape.slice(0, -1), weight.shape[0]])
  },
  vjp(g, { inputs: [x, weight, bias] }) {
    const [rows, cotangents] = [reshape(x, [-1, x.shape.at(-1)!]), reshape(g, [-1, weight.shape[0]])]
    const ofWeight = matmul(swap(cotangents), rows)
    return [reshape(matmul(cotangents, weight), x.shape), ofWeight, ...(bias ? [sum(cotangents, [0])] : [])]
  }
}

/** x·wᵀ + b over the last axis. Weight [out, in] and bias [out], as PyTorch's `nn.Linear` stores them. */
export function linear(x: Value, weight: Value, bias?: Value): Value {
  if (x.shape.at(-1) !== weight.shape[1]) {
    throw new GraphError(
      `linear: the last axis must be the weight's second, found ${describe(x)} and ${describe(weight)}; transpose the weight?`
    )
  }
  return compose(linearComposite, bias ? [x, weight, bias] : [x, weight], {})
}
