import {
  f32,
  full,
  GraphError,
  nameOf,
  refuse,
  type DeviceTensor,
  type Feeds,
  type Graph,
  type HostTensor
} from '@sam/core/graph'

/**
 * The state of a training run, by the names of the step graph's inputs: params, optimizer moments, gradient sums. On
 * the device after the first step.
 */
export interface State {
  readonly names: readonly string[]
  /** The feeds of a graph's inputs that have these names. */
  feeds(g: Graph): Feeds
  /** Replaces values by a run's outputs of the same names, and disposes the old ones. */
  advance(outputs: Readonly<Record<string, DeviceTensor>>): void
  /** Replaces values, and disposes the old ones. */
  set(values: Readonly<Record<string, HostTensor>>): void
  /** Copies everything to host memory. */
  read(): Promise<Record<string, HostTensor>>
  dispose(): void
}

const isGradientSum = (name: string): boolean => name.startsWith('gradient/')

/**
 * Checks that a resumed run's optimizer moments are those of a step graph. Gradient sums are not compared: between
 * iterations they are zero. Throws `InputError` `E_BAD_OPTION` where the run had another optimizer or other trained
 * params.
 */
export function checkMoments(
  step: Graph,
  known: Readonly<Record<string, HostTensor>>,
  params: ReadonlySet<string>
): void {
  const isMoment = (name: string): boolean => !params.has(name) && !isGradientSum(name)
  const wanted = step.inputs.map(v => nameOf(v)!).filter(name => name in step.outputs && isMoment(name))
  const missing = wanted.filter(name => !(name in known))
  const unexpected = Object.keys(known).filter(name => isMoment(name) && !wanted.includes(name))
  if (missing.length + unexpected.length === 0) return
  const listed = (label: string, names: readonly string[]): string =>
    names.length ? `; ${label}: ${names.length}, the first ${names[0]}` : ''
  refuse(
    'E_BAD_OPTION',
    'a resumed run must keep its optimizer and its trained params, found other ' +
      `moments${listed('missing', missing)}${listed('unexpected', unexpected)}; use the run's settings, or ` +
      'another folder'
  )
}

/**
 * The state of a step graph: its inputs that are also outputs, and the params that it does not train. Values come from
 * `known`; moments and gradient sums that are missing there start at zero. Throws `GraphError` for a missing param.
 */
export function stateOf(step: Graph, known: Readonly<Record<string, HostTensor>>, params: ReadonlySet<string>): State {
  const held = new Map<string, HostTensor | DeviceTensor>()
  for (const input of step.inputs) {
    const name = nameOf(input)!
    if (!params.has(name) && !(name in step.outputs)) continue
    const given = known[name]
    if (!given && params.has(name)) throw new GraphError(`training needs an initial value of ${name}, found none`)
    held.set(name, given ?? full('f32', input.shape, 0))
  }
  // A step may not use all params of a model.
  for (const name of params) if (!held.has(name) && known[name]) held.set(name, known[name])
  const set = (values: Readonly<Record<string, HostTensor | DeviceTensor>>): void => {
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
    advance: set,
    set,
    async read() {
      const out: Record<string, HostTensor> = {}
      for (const [name, t] of held) out[name] = 'read' in t ? await t.read() : f32(t.shape, t.data)
      return out
    },
    dispose: () => held.forEach(release)
  }
}
