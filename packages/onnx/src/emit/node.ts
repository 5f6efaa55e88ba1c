import type { Value } from '@sam/core/graph'
import type { Emit, NodeAttrs } from '../builder.js'

/** One node on the value's inputs. */
export const nodeOf =
  (op: string, attrs: (y: Value) => NodeAttrs = () => ({})): Emit =>
  (to, y) =>
    to.node(
      op,
      y.inputs.map(x => to.of(x)),
      attrs(y)
    )

/** A reduction. Without axes it is the identity, which ONNX needs as an explicit attribute. */
export const reduction =
  (op: 'ReduceSum' | 'ReduceMax'): Emit =>
  (to, y) => {
    const [x, axes] = [to.of(y.inputs[0]), y.attrs.axes as readonly number[]]
    if (op === 'ReduceSum' || to.opset >= 18)
      return to.node(op, [x, to.ints(axes)], { keepdims: 1, noop_with_empty_axes: 1 })
    return axes.length ? to.node(op, [x], { axes, keepdims: 1 }) : x
  }

/** The attribute of an operation along one axis. */
export const axisOf = (y: Value): NodeAttrs => ({ axis: y.attrs.axis as number })
