import { GraphError } from '../errors.js'
import { graph, type Graph } from '../ir/graph.js'
import { input } from '../ir/value.js'
import { residualComposite } from '../ops/composites/residual.js'
import { add, mul } from '../ops/build.js'
import { rewrite } from './rewrite.js'

export interface DropOptions {
  /** Probability by layer, or one for all layers. */
  readonly rates: number | readonly number[]
  /**
   * Unit that is dropped: an `element` of the branch (dropout; Srivastava et al. 2014), or the branch of one `sample`
   * along the first axis (drop path, or stochastic depth; Huang et al. 2016).
   */
  readonly per: 'element' | 'sample'
}

export interface DroppedBranches {
  readonly graph: Graph
  /** Probability of each added input, by the input's name. */
  readonly rates: Readonly<Record<string, number>>
}

/**
 * Multiplies each marked residual branch (`ops.residual`) by a new input `drop/<branch>`, which is fed 0 with the given
 * probability and 1 / (1 − probability) otherwise. Its shape is the branch's, or [B, 1, …] per sample. A branch with
 * probability 0 is unchanged. Throws `GraphError` if a layer has no rate.
 */
export function dropBranches(g: Graph, { rates, per }: DropOptions): DroppedBranches {
  const fed: Record<string, number> = {}
  const dropped = rewrite(g, value => {
    if (value.composite !== residualComposite) return value
    const { branch: name, layer } = value.attrs as { branch: string; layer: number }
    const rate = typeof rates === 'number' ? rates : rates[layer]
    if (rate === undefined)
      throw new GraphError(
        `${g.name}: rates must have one for each layer, found ${Object.keys(rates).length} and layer ${layer} of ${name}`
      )
    if (rate === 0) return value
    const [x, branch] = value.inputs
    const shape = per === 'element' ? branch.shape : branch.shape.map((d, axis) => (axis === 0 ? d : 1))
    fed[`drop/${name}`] = rate
    return add(x, mul(branch, input(`drop/${name}`, shape)))
  })
  return { graph: graph(g.name, dropped.outputs, g.inputs), rates: fed }
}
