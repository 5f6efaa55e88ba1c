import { broadcastShapes, sameShape, type Shape, type Value } from '@sam/core/graph'
import { dataTypes, type Emit } from '../builder.js'

const unary =
  (op: string): Emit =>
  (to, y) =>
    to.node(op, [to.of(y.inputs[0])])

/** These broadcast by themselves, so a broadcast before them is dropped: nobody asks for it, and it is pruned. */
const broadcasting =
  (op: string): Emit =>
  (to, y) =>
    to.node(
      op,
      narrow(y.inputs, y.shape).map(v => to.of(v))
    )

export const neg = unary('Neg')
export const exp = unary('Exp')
export const log = unary('Log')
export const sqrt = unary('Sqrt')
export const sin = unary('Sin')
export const cos = unary('Cos')
export const erf = unary('Erf')
export const cast: Emit = (to, y) => to.node('Cast', [to.of(y.inputs[0])], { to: dataTypes[y.dtype] })

export const add = broadcasting('Add')
export const sub = broadcasting('Sub')
export const mul = broadcasting('Mul')
export const div = broadcasting('Div')
export const max = broadcasting('Max')
export const less = broadcasting('Less')
export const equal = broadcasting('Equal')
export const where = broadcasting('Where')

/** Operands before their broadcasts, as far as together they still make the shape. */
function narrow(operands: readonly Value[], shape: Shape): readonly Value[] {
  const narrowed = operands.map(v => (v.op === 'broadcast' ? v.inputs[0] : v))
  const together = narrowed.map(v => v.shape).reduce((a, b) => broadcastShapes(a, b)!)
  return sameShape(together, shape) ? narrowed : [operands[0], ...narrowed.slice(1)]
}
