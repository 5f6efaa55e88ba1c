import { broadcastShapes, sameShape, type Shape, type Value } from '@sam/core/graph'
import type { Emit } from '../builder.js'

/** ONNX broadcasts the operands of these operators itself, so broadcasts before them become unused and are pruned. */
export const broadcasting =
  (op: string): Emit =>
  (to, y) =>
    to.node(
      op,
      narrow(y.inputs, y.shape).map(v => to.of(v))
    )

/** Operands before their broadcasts, provided that together they still broadcast to the shape. */
function narrow(operands: readonly Value[], shape: Shape): readonly Value[] {
  const narrowed = operands.map(v => (v.op === 'broadcast' ? v.inputs[0] : v))
  const together = narrowed.map(v => v.shape).reduce((a, b) => broadcastShapes(a, b)!)
  return sameShape(together, shape) ? narrowed : [operands[0], ...narrowed.slice(1)]
}
