import {
  decompose,
  nameOf,
  refuse,
  simplify,
  sizeOf,
  stage,
  useCounts,
  valuesOf,
  type Graph,
  type HostTensor,
  type Value
} from '@sam/core/graph'
import { tiles, type Tile } from './kernels/tile.js'
import { elementwise } from './kernels/elementwise.js'
import { expression, isElementwise, literal } from './kernels/expression.js'
import { keeps, kernelOf } from './kernels/index.js'
import { activationOf, residualOf, type Epilogue } from './kernels/epilogue.js'
import { defaultLimits, typeOf, type Limits, type Lowering } from './kernels/kernel.js'
import type { Program } from './kernels/program.js'
import { denseView, isDense, isView, moved, type Buffer, type View } from './view.js'

/** One dispatch of a program. */
export interface Step {
  readonly program: Program
  readonly inputs: readonly Buffer[]
  readonly result: Buffer
  readonly flops: number
  /** Buffers that no later step reads. */
  readonly frees: readonly Buffer[]
}

/** A tensor of a schedule and its buffer. */
export interface Slot {
  readonly buffer: Buffer
  readonly value: Value
}

/** A graph as an ordered list of dispatches: plain data, independent of a device. */
export interface Schedule {
  readonly name: string
  readonly inputs: Readonly<Record<string, Slot>>
  /** Weights by name; `packed` if stored as f16, two per i32. */
  readonly params: Readonly<Record<string, Slot & { readonly packed: boolean }>>
  readonly constants: readonly Slot[]
  readonly steps: readonly Step[]
  readonly outputs: Readonly<Record<string, Slot>>
}

export interface ScheduleOptions {
  readonly limits?: Limits
  /** The tile of large products, as `fastestTile` measured it. */
  readonly largeTile?: Tile
  /** Store params that are used only as weights of linear layers and convolutions as packed f16. */
  readonly halfWeights?: boolean
}

/** Maximum operands of a chain of elementwise operations: with the result, within every device's eight buffers. */
const chainOperands = 6
/** Maximum length of a chain, to keep shaders readable. */
const chainLength = 24

/**
 * Lowers a graph of primitives and kept composites to an ordered list of dispatches. Movements become views, chains of
 * elementwise operations one dispatch, and an activation or residual after a contraction part of its dispatch.
 */
export function schedule(
  g: Graph,
  { limits = defaultLimits, largeTile = tiles.large, halfWeights = false }: ScheduleOptions = {}
): Schedule {
  const order = valuesOf(g)
  const plan = fuse(g, order)
  const packable = halfWeights ? weightsOnly(order) : new Set<Value>()
  const [views, copies] = [new Map<Value, View>(), new Map<View, Buffer>()]
  const steps: Omit<Step, 'frees'>[] = []
  const inputs: Record<string, Slot> = {}
  const params: Record<string, Slot & { packed: boolean }> = {}
  const constants: Slot[] = []
  let buffers = 0
  const buffer = (length: number, type: Buffer['type'], name: string): Buffer => {
    const bytes = Math.max(1, length) * 4
    if (bytes > limits.bufferBytes)
      refuse(
        'E_BACKEND_FAILED',
        `${g.name}: ${name} must fit in a buffer of ${limits.bufferBytes} bytes, found ${bytes}; use fewer prompts at once or a smaller model`
      )
    return { id: buffers++, type, length }
  }

  const to: Lowering = {
    limits,
    largeTile,
    view(value) {
      const known = views.get(value)
      if (known) return known
      const made = leafView(value) ?? movedView(value)
      views.set(value, made)
      return made
    },
    dense: value => to.copy(to.view(value)),
    copy(view) {
      if (isDense(view)) return view.buffer
      const known = copies.get(view)
      if (known) return known
      const copied = to.emit(copyOf(view), [view.buffer], { length: sizeOf(view.shape), type: view.buffer.type })
      copies.set(view, copied)
      return copied
    },
    packed: value => (packable.has(value) ? to.view(value).buffer : undefined),
    emit(program, read, { length, type, flops = 0 }) {
      check(program, limits, g.name)
      const result = buffer(length, type, program.name)
      steps.push({ program, inputs: read, result, flops })
      return result
    },
    epilogue: node => plan.epilogues.get(node) ?? {}
  }

  function leafView(value: Value): View | undefined {
    const { shape } = value
    if (value.op === 'constant') {
      const slot = { buffer: buffer(sizeOf(shape), typeOf(value), 'a constant'), value }
      constants.push(slot)
      return denseView(slot.buffer, shape)
    }
    const name = nameOf(value)
    if (name === undefined) return undefined
    const table: Record<string, Slot> = value.op === 'input' ? inputs : params
    const packed = packable.has(value)
    table[name] ??= {
      buffer: packed ? buffer(sizeOf(shape) / 2, 'i32', name) : buffer(sizeOf(shape), typeOf(value), name),
      value,
      ...(value.op === 'param' ? { packed } : {})
    }
    return denseView(table[name].buffer, shape)
  }

  function movedView(value: Value): View {
    const x = to.view(value.inputs[0])
    return moved(value, x) ?? moved(value, denseView(to.copy(x), x.shape))!
  }

  function lowerChain(root: Value): View {
    const leaves: View[] = []
    const write = (value: Value): string => {
      if (value === root || plan.chained.has(value)) return expression(value, value.inputs.map(write))
      const number = constantNumber(value)
      if (number !== undefined) return number
      const view = to.view(value)
      const known = leaves.findIndex(v => sameView(v, view))
      return `{${known < 0 ? leaves.push(view) - 1 : known}}`
    }
    const template = write(root)
    const program = elementwise(root.op, {
      views: leaves,
      shape: root.shape,
      expression: reads => template.replace(/\{(\d+)\}/g, (_, i) => reads[Number(i)])
    })
    return denseView(
      to.emit(
        program,
        leaves.map(v => v.buffer),
        { length: sizeOf(root.shape), type: typeOf(root) }
      ),
      root.shape
    )
  }

  for (const value of g.inputs) to.view(value)
  for (const value of order) {
    if (plan.absorbed.has(value)) continue
    const root = plan.roots.get(value) ?? value
    if (isElementwise(root.op)) views.set(value, lowerChain(root))
    else {
      const kernel = kernelOf(root.op)
      if (kernel) views.set(value, kernel.lower(root, to))
    }
  }

  // Each output has its own buffer, written by a step.
  const taken = new Set<Buffer>()
  const outputs = Object.fromEntries(
    Object.entries(g.outputs).map(([name, value]) => {
      const view = to.view(value)
      const own =
        isDense(view) && !taken.has(view.buffer) && steps.some(s => s.result === view.buffer)
          ? view.buffer
          : to.emit(copyOf(view), [view.buffer], { length: sizeOf(view.shape), type: view.buffer.type })
      taken.add(own)
      return [name, { buffer: own, value }]
    })
  )
  const kept = new Set([
    ...taken,
    ...[...Object.values(inputs), ...Object.values(params), ...constants].map(s => s.buffer)
  ])
  return { name: g.name, inputs, params, constants, outputs, steps: withFrees(steps, kept) }
}

const copyOf = (view: View): Program =>
  elementwise('copy', { views: [view], expression: ([x]) => x, shape: view.shape })

interface Fusion {
  /** Values computed in another value's dispatch. */
  readonly absorbed: ReadonlySet<Value>
  /** Elementwise values inside a chain. */
  readonly chained: ReadonlySet<Value>
  /** The contraction whose dispatch computes this value. */
  readonly roots: ReadonlyMap<Value, Value>
  readonly epilogues: ReadonlyMap<Value, Epilogue>
}

/**
 * Chooses what to fuse: a contraction with the activation and residual after it, and elementwise values with operands
 * that have no other use.
 */
function fuse(g: Graph, order: readonly Value[]): Fusion {
  const uses = useCounts(g)
  const users = new Map<Value, Value>()
  for (const value of order) for (const x of value.inputs) users.set(x, value)
  const [absorbed, chained] = [new Set<Value>(), new Set<Value>()]
  const [roots, epilogues] = [new Map<Value, Value>(), new Map<Value, Epilogue>()]
  const place = new Map(order.map((v, i) => [v, i]))
  const onlyUser = (value: Value): Value | undefined => (uses.get(value) === 1 ? users.get(value) : undefined)

  for (const value of order) {
    if (!kernelOf(value.op)?.epilogue || value.dtype !== 'f32') continue
    let [last, next] = [value, onlyUser(value)]
    let epilogue: Epilogue = {}
    const activation = next && activationOf(next)
    if (next && activation) {
      epilogue = { activation }
      absorbed.add(last)
      ;[last, next] = [next, onlyUser(next)]
    }
    const residual = next && residualOf(next, last)
    if (next && residual && !roots.has(next)) {
      epilogue = { ...epilogue, residual }
      absorbed.add(last)
      last = next
    }
    if (last !== value) {
      roots.set(last, value)
      epilogues.set(value, epilogue)
    }
  }

  for (const root of [...order].sort((a, b) => place.get(b)! - place.get(a)!)) {
    if (!isElementwise(root.op) || absorbed.has(root) || roots.has(root)) continue
    const leaves = new Set<Value>(root.inputs.filter(x => constantNumber(x) === undefined))
    let length = 1
    for (let grew = true; grew && length < chainLength; ) {
      grew = false
      for (const leaf of leaves) {
        const joins =
          isElementwise(leaf.op) &&
          !absorbed.has(leaf) &&
          !roots.has(leaf) &&
          sizeOf(leaf.shape) === sizeOf(root.shape) &&
          uses.get(leaf) === 1
        if (!joins) continue
        const after = new Set(
          [...leaves].filter(v => v !== leaf).concat(leaf.inputs.filter(x => constantNumber(x) === undefined))
        )
        if (after.size > chainOperands) continue
        leaves.delete(leaf)
        for (const x of after) leaves.add(x)
        absorbed.add(leaf)
        chained.add(leaf)
        length++
        grew = true
        break
      }
    }
  }
  return { absorbed, chained, roots, epilogues }
}

/** A value with one number everywhere, as WGSL. */
function constantNumber(value: Value): string | undefined {
  let source = value
  while (isView(source.op)) source = source.inputs[0]!
  if (source.op !== 'constant') return undefined
  const { data } = source.attrs.tensor as HostTensor
  return data.length === 1 ? literal(data[0], source) : undefined
}

const sameView = (a: View, b: View): boolean =>
  a.buffer === b.buffer && a.offset === b.offset && `${a.shape}` === `${b.shape}` && `${a.strides}` === `${b.strides}`

/** Params that are read only by kernels that support packed f16, four k at a time. */
function weightsOnly(order: readonly Value[]): Set<Value> {
  const fits = (node: Value, x: Value, i: number): boolean =>
    kernelOf(node.op)?.packedInput?.(node) === i && (sizeOf(x.shape) / x.shape[0]) % 4 === 0
  const params = new Set(order.filter(v => v.op === 'param'))
  for (const node of order)
    node.inputs.forEach((x, i) => {
      if (!fits(node, x, i)) params.delete(x)
    })
  return params
}

function withFrees(steps: readonly Omit<Step, 'frees'>[], kept: ReadonlySet<Buffer>): Step[] {
  const seen = new Set<Buffer>(kept)
  return [...steps]
    .reverse()
    .map((step): Step => {
      const frees = [...new Set([...step.inputs, step.result])].filter(b => !seen.has(b))
      for (const b of frees) seen.add(b)
      return { ...step, frees }
    })
    .reverse()
}

/** Checks a program against the limits: beyond some limits devices silently compute zeros. */
function check(program: Program, limits: Limits, name: string): void {
  if (program.inputs.length + 1 > limits.buffers)
    refuse(
      'E_BACKEND_FAILED',
      `${name}: ${program.name} must use at most ${limits.buffers} buffers, found ${program.inputs.length + 1}`
    )
  if ((program.shared ?? 0) > limits.sharedBytes)
    refuse(
      'E_BACKEND_FAILED',
      `${name}: ${program.name} must share at most ${limits.sharedBytes} bytes in a workgroup, found ${program.shared}`
    )
  if (program.groups.some(n => n > 65535))
    refuse(
      'E_BACKEND_FAILED',
      `${name}: ${program.name} must dispatch at most 65535 workgroups per axis, found ${program.groups}; use fewer prompts at once`
    )
}

/**
 * The schedules that compilation of this graph gives on a device with these limits; needs no device or weights. `setup`
 * depends on weights alone and runs once per compilation; `run` is the rest.
 */
export function schedules(g: Graph, options: ScheduleOptions = {}): { setup: Schedule; run: Schedule } {
  const { early, late } = stage(
    simplify(decompose(g, node => keeps(node, options.limits ?? defaultLimits))),
    [],
    'setup'
  )
  return { setup: schedule(early, options), run: schedule(late, options) }
}

/** Resources that a schedule needs, without weights. */
export interface Demand {
  readonly dispatches: number
  readonly flops: number
  /** The largest buffer, including weights. */
  readonly largest: { readonly bytes: number; readonly name: string }
  /** Peak bytes of inputs, outputs and intermediate values. */
  readonly peakBytes: number
  readonly weightBytes: number
}

/** Computes the resources of a schedule. */
export function demandOf(s: Schedule): Demand {
  const bytes = (b: Buffer): number => Math.max(1, b.length) * 4
  const total = (slots: readonly Slot[]): number => slots.reduce((n, { buffer }) => n + bytes(buffer), 0)
  const named: { bytes: number; name: string }[] = [
    ...s.steps.map(({ result, program }) => ({ bytes: bytes(result), name: program.name })),
    ...Object.entries({ ...s.inputs, ...s.params }).map(([name, { buffer }]) => ({ bytes: bytes(buffer), name }))
  ]
  let live = total(Object.values(s.inputs))
  let peakBytes = live
  for (const { result, frees } of s.steps) {
    live += bytes(result)
    peakBytes = Math.max(peakBytes, live)
    for (const b of frees) live -= bytes(b)
  }
  return {
    dispatches: s.steps.length,
    flops: s.steps.reduce((n, { flops }) => n + flops, 0),
    largest: named.reduce((a, b) => (b.bytes > a.bytes ? b : a), { bytes: 0, name: '' }),
    peakBytes,
    weightBytes: total([...Object.values(s.params), ...s.constants])
  }
}
