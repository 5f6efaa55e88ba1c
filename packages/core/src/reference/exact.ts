import type { Value } from '../ir/value.js'
import type { DType } from '../tensor/dtype.js'
import type { Shape } from '../tensor/shape.js'

/** A tensor of the reference evaluator: values are f64, whatever the declared type. */
export interface Exact {
  readonly shape: Shape
  readonly dtype: DType
  readonly data: Float64Array
}

/** The reference kernel of one primitive: plain loops over f64. */
export type Kernel = (inputs: readonly Exact[], y: Value) => Float64Array
