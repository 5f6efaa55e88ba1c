import { param, type Value } from '../ir/value.js'
import { sameShape, type Shape } from '../tensor/shape.js'

/**
 * A node in the checkpoint's tree of names. A layer descends with `at` and declares its parameters with `param`. Names
 * are the checkpoint's own; nothing is renamed.
 */
export interface Scope {
  /** Common prefix of the names: `image_encoder.blocks.3`. */
  readonly path: string
  /** The scope below: `scope.at('blocks', 3)` has the path `…blocks.3`. */
  at(...path: readonly (string | number)[]): Scope
  /**
   * The parameter of this name in this scope; the checkpoint must have it with this shape. The same name and shape give
   * the same value; `graph()` rejects one name with two shapes.
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
