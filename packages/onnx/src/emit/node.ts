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
  (op: string): Emit =>
  (to, y) =>
    to.node(op, [to.of(y.inputs[0]), to.ints(y.attrs.axes as readonly number[])], {
      keepdims: 1,
      noop_with_empty_axes: 1
    })

/** The attribute of an operation along one axis. */
export const axisOf = (y: Value): NodeAttrs => ({ axis: y.attrs.axis as number })
