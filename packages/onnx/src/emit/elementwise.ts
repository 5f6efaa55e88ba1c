import { broadcastShapes, sameShape, type Shape, type Value } from '@sam/core/graph'
import type { Emit } from '../builder.js'

/** ONNX broadcasts these operators itself, so a broadcast before them is left out; nothing reads it, and it is pruned. */
export const broadcasting =
  (op: string): Emit =>
  (to, y) =>
    to.node(
      op,
      narrow(y.inputs, y.shape).map(v => to.of(v))
    )

/** Operands before their broadcasts, as far as together they still make the shape. */
function narrow(operands: readonly Value[], shape: Shape): readonly Value[] {
  const narrowed = operands.map(v => (v.op === 'broadcast' ? v.inputs[0] : v))
  const together = narrowed.map(v => v.shape).reduce((a, b) => broadcastShapes(a, b)!)
  return sameShape(together, shape) ? narrowed : [operands[0], ...narrowed.slice(1)]
}
