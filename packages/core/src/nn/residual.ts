import type { Value } from '../ir/value.js'
import * as ops from '../ops/index.js'
import type { Scope } from './scope.js'

/** x + branch, where `p` is the scope of the branch and `layer` its layer's index. Training may drop the branch. */
export const residual = (p: Scope, [x, branch]: readonly [Value, Value], layer: number): Value =>
  ops.residual(x, branch, { branch: p.path, layer })
