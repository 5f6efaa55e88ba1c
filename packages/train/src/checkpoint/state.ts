import {
  f32,
  full,
  GraphError,
  nameOf,
  type DeviceTensor,
  type Feeds,
  type Graph,
  type HostTensor
} from '@sam/core/graph'

/**
 * What training carries from step to step, by the names of the step's inputs: params, moments, sums of gradients. On
 * the device once it has run.
 */
export interface State {
  readonly names: readonly string[]
  /** What feeds a graph's inputs of these names. */
  feeds(g: Graph): Feeds
  /** Takes the next values out of a run's outputs, and lets the old ones go. */
  advance(outputs: Readonly<Record<string, DeviceTensor>>): void
  /** Takes these values, and lets the old ones go. */
  put(values: Readonly<Record<string, HostTensor>>): void
  /** Brings everything home. */
  read(): Promise<Record<string, HostTensor>>
  dispose(): void
}

/**
 * The state of a step graph: its inputs that are also outputs, and the params that stay as they are. Values come from
 * `known`; what is not known (moments, sums of gradients) starts at zero. Throws `GraphError` where a param is not
 * known.
 */
export function stateOf(step: Graph, known: Readonly<Record<string, HostTensor>>, params: ReadonlySet<string>): State {
  const held = new Map<string, HostTensor | DeviceTensor>()
  for (const input of step.inputs) {
    const name = nameOf(input)!
    if (!params.has(name) && !(name in step.outputs)) continue
    const given = known[name]
    if (!given && params.has(name)) throw new GraphError(`training must begin with a value for ${name}`)
    held.set(name, given ?? full('f32', input.shape, 0))
  }
  // A model has params that a step may not use.
  for (const name of params) if (!held.has(name) && known[name]) held.set(name, known[name])
  const put = (values: Readonly<Record<string, HostTensor | DeviceTensor>>): void => {
    for (const [name, next] of Object.entries(values)) {
      if (!held.has(name)) continue
      release(held.get(name))
      held.set(name, next)
    }
  }
  const release = (t: HostTensor | DeviceTensor | undefined): void => {
    if (t && 'dispose' in t) t.dispose()
  }
  return {
    names: [...held.keys()],
    feeds: g =>
      Object.fromEntries(
        g.inputs
          .map(v => nameOf(v)!)
          .filter(name => held.has(name))
          .map(name => [name, held.get(name)!])
      ),
    advance: put,
    put,
    async read() {
      const out: Record<string, HostTensor> = {}
      for (const [name, t] of held) out[name] = 'read' in t ? await t.read() : f32(t.shape, t.data)
      return out
    },
    dispose: () => held.forEach(release)
  }
}
