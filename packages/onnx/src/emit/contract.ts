import { broadcastShapes, sameShape, type Value } from '@sam/core/graph'
import type { Emit } from '../builder.js'

/** MatMul broadcasts batch axes itself, so a broadcast of batch axes alone is removed. */
export const matmul: Emit = (to, y) => {
  const [a, b] = y.inputs.map(unrepeated) as [Value, Value]
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const operands = batch && sameShape(batch, y.shape.slice(0, -2)) ? [a, b] : y.inputs
  return to.node(
    'MatMul',
    operands.map(v => to.of(v))
  )
}

const unrepeated = (v: Value): Value =>
  v.op === 'broadcast' && sameShape(v.inputs[0].shape.slice(-2), v.shape.slice(-2)) ? v.inputs[0] : v
