import type { Emit } from '../builder.js'

/** No axes means no reduction, which ONNX wants to be told. */
const reduce =
  (op: string): Emit =>
  (to, y) =>
    to.node(op, [to.of(y.inputs[0]), to.ints(y.attrs.axes as readonly number[])], {
      keepdims: 1,
      noop_with_empty_axes: 1
    })

export const reduceSum = reduce('ReduceSum')
export const reduceMax = reduce('ReduceMax')
