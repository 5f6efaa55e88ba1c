import type { Value } from '../ir/value.js'
import { add } from '../ops/build.js'
import type { Scope } from './scope.js'

/**
 * What training does to a residual branch before it is added (dropout, drop path); `path` is the branch's place in the
 * tree of names.
 */
export type Branch = (branch: Value, path: string) => Value

/** x + branch, the branch passed through `apply` when one is given. */
export const residual = (x: Value, [branch, p]: readonly [Value, Scope], apply?: Branch): Value =>
  add(x, apply ? apply(branch, p.path) : branch)
