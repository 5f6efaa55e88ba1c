import { GraphError, shown } from '../errors.js'
import type { Graph } from '../ir/graph.js'
import { describe, nameOf } from '../ir/value.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import type { Feeds } from './backend.js'

/**
 * Checks that a run is fed exactly the declared inputs, each in its shape and type. Throws `GraphError` at the first
 * that is not. Every backend's run begins with it.
 */
export function checkFeeds(g: Graph, feeds: Feeds): void {
  for (const value of g.inputs) {
    const fed = feeds[nameOf(value)!]
    if (!fed || !sameShape(fed.shape, value.shape) || fed.dtype !== value.dtype) {
      throw new GraphError(
        `${g.name}: must be fed ${describe(value)}, found ${fed ? `${fed.dtype}${formatShape(fed.shape)}` : 'nothing'}`
      )
    }
  }
  const names = new Set(g.inputs.map(nameOf))
  const unknown = Object.keys(feeds).find(name => !names.has(name))
  if (unknown !== undefined)
    throw new GraphError(`${g.name}: has no input ${shown(unknown)}; it has ${[...names].join(', ') || 'none'}`)
}
