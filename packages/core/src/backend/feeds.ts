import { GraphError, shown } from '../errors.js'
import type { Graph } from '../ir/graph.js'
import { describe, nameOf } from '../ir/value.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import type { Feeds } from './backend.js'

/**
 * Checks that the feeds are exactly the declared inputs, each with its shape and type. Throws `GraphError` for the
 * first mismatch. Every backend calls it at the start of a run.
 */
export function checkFeeds(g: Graph, feeds: Feeds): void {
  for (const value of g.inputs) {
    const fed = feeds[nameOf(value)!]
    if (!fed || !sameShape(fed.shape, value.shape) || fed.dtype !== value.dtype) {
      throw new GraphError(
        `${g.name}: feeds must have ${describe(value)}, found ${fed ? `${fed.dtype}${formatShape(fed.shape)}` : 'nothing'}`
      )
    }
  }
  const names = new Set(g.inputs.map(nameOf))
  const unknown = Object.keys(feeds).find(name => !names.has(name))
  if (unknown !== undefined)
    throw new GraphError(
      `${g.name}: feeds must be declared inputs (${[...names].join(', ') || 'none'}), found ${shown(unknown)}`
    )
}
