import type { Graph } from '../ir/graph.js'
import { structureOfValue } from '../ir/structure.js'
import { constant, nameOf, type Value } from '../ir/value.js'
import { reshape, transpose } from '../ops/build.js'
import { isPrimitive } from '../ops/primitives.js'
import { evaluate, toHost } from '../reference/evaluate.js'
import { sameShape, sizeOf } from '../tensor/shape.js'
import { rewrite } from './rewrite.js'

/** Larger constants are computed on the device, to keep the graph small. */
const foldLimit = 1 << 16

/**
 * Simplifies a graph: merges equal values, removes movements without effect, and folds small constants. Dead values
 * disappear, because a graph contains only what its outputs reach.
 */
export function simplify(g: Graph): Graph {
  const known = new Map<string, Value>()
  const ids = new Map<Value, number>()
  const share = (value: Value): Value => {
    const key = structureOfValue(value, ids)
    const first = known.get(key)
    if (first) return first
    known.set(key, value)
    ids.set(value, ids.size)
    return value
  }
  return rewrite(g, value => share(fold(withoutIdleMovement(value))))
}

function withoutIdleMovement(value: Value): Value {
  const [x] = value.inputs
  if (!x) return value
  switch (value.op) {
    case 'reshape':
      if (sameShape(x.shape, value.shape)) return x
      return x.op === 'reshape' ? withoutIdleMovement(reshape(x.inputs[0], value.shape)) : value
    case 'transpose': {
      const perm = value.attrs.perm as readonly number[]
      if (x.op === 'transpose')
        return transpose(
          x.inputs[0],
          perm.map(p => (x.attrs.perm as readonly number[])[p])
        )
      // Moving only axes of size 1 moves no data.
      const moved = perm.filter(p => x.shape[p] !== 1)
      return moved.every((p, i) => i === 0 || p > moved[i - 1]) ? reshape(x, value.shape) : value
    }
    case 'broadcast':
    case 'slice':
    case 'pad':
      return sameShape(x.shape, value.shape) ? x : value
    case 'cast':
      return x.dtype === value.dtype ? x : value
    default:
      return value
  }
}

function fold(value: Value): Value {
  const constants = value.inputs.length > 0 && value.inputs.every(v => v.op === 'constant')
  // A broadcast constant is smaller than its materialised form.
  if (!constants || !isPrimitive(value.op) || value.op === 'broadcast' || sizeOf(value.shape) > foldLimit) return value
  const { y } = evaluate({ name: 'fold', inputs: [], outputs: { y: value } }, v => {
    throw new Error(`unreachable: ${nameOf(v)}`)
  })
  return constant(toHost(y))
}
