import { GraphError } from '../errors.js'
import { valuesOf, type Graph } from '../ir/graph.js'
import { describe, nameOf, type Value } from '../ir/value.js'
import { infer, type Type } from '../ops/infer.js'
import { isPrimitive } from '../ops/primitives.js'
import { sameShape } from '../tensor/shape.js'

/**
 * Checks every node against its rule, and that all inputs are declared. Throws `GraphError` for the first violation.
 * Returns the graph.
 */
export function verify(g: Graph): Graph {
  const declared = new Set(g.inputs.map(nameOf))
  for (const value of valuesOf(g)) {
    if (value.op === 'input' && !declared.has(nameOf(value)))
      throw new GraphError(`${g.name}: input ${nameOf(value)} must be declared`)
    if (value.op === 'input' || value.op === 'param' || value.op === 'constant') continue
    const { shape, dtype } = typeOf(value)
    if (!sameShape(shape, value.shape) || dtype !== value.dtype) {
      throw new GraphError(
        `${g.name}: ${value.op} of ${value.inputs.map(describe).join(', ')} must be ${dtype}[${shape}], found ${describe(value)}`
      )
    }
  }
  return g
}

function typeOf(value: Value): Type {
  if (value.composite) return value.composite.decompose(value.inputs, value.attrs)
  if (isPrimitive(value.op)) return infer[value.op](value.inputs, value.attrs as never)
  throw new GraphError(`${value.op} must be a primitive or carry its composite`)
}
