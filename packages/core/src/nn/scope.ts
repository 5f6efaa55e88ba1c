import { param, type Value } from '../ir/value.js'
import { sameShape, type Shape } from '../tensor/shape.js'

/**
 * A place in the checkpoint's tree of names. A layer walks down with `at` and asks for what it needs with `param`; the
 * names are the checkpoint's own, so nothing is ever renamed.
 */
export interface Scope {
  /** Where this is, as the names begin: `image_encoder.blocks.3`. */
  readonly path: string
  /** `scope.at('blocks', 3)` is the place `…blocks.3`. */
  at(...path: readonly (string | number)[]): Scope
  /**
   * The tensor of that name here; the checkpoint must have it in this shape. The same name and shape give the same
   * value; one name in two shapes is refused by `graph()`.
   */
  param(name: string, shape: Shape): Value
}

export function scope(path = ''): Scope {
  const full = (name: string): string => (path ? `${path}.${name}` : name)
  const asked = new Map<string, Value>()
  return {
    path,
    at: (...names) => scope(full(names.join('.'))),
    param(name, shape) {
      const known = asked.get(name)
      if (known && sameShape(known.shape, shape)) return known
      const value = param(full(name), shape)
      asked.set(name, value)
      return value
    }
  }
}
