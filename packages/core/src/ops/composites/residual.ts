import type { Composite, Value } from '../../ir/value.js'
import { add, compose } from '../build.js'

export const residualComposite: Composite = {
  name: 'residual',
  decompose: ([x, branch]) => add(x, branch)
}

export interface ResidualAttrs {
  /** Unique name of the branch in its model: its scope in the tree of parameter names. */
  readonly branch: string
  /** Index of the branch's layer, from 0. */
  readonly layer: number
}

/**
 * x + branch, marked as a residual connection, so that a pass can drop the branch in training (`dropBranches`). Paper:
 * He et al. 2015, "Deep Residual Learning".
 */
export const residual = (x: Value, branch: Value, attrs: ResidualAttrs): Value =>
  compose(residualComposite, [x, branch], { ...attrs })
