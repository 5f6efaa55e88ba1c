import { create, toBinary } from '@bufbuild/protobuf'
import { graph, GraphError, type Graph, type Value } from '@sam/core/graph'
import {
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema
} from './generated/onnx_pb.js'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from './generated/onnx_pb.js'
import { lower, type LoweredModel, type OnnxModel, type OnnxOptions } from './lower.js'

/** A size that is known only when the model runs. */
export interface DynamicSize {
  /** Where the model finds it: in the shape of an input, or in a value i32[1] that is computed from the inputs. */
  readonly from: { readonly input: string; readonly axis: number } | Value
  /**
   * Three sizes to build the graph with, at equal distances. They must be typical (no 0, no 1) and occur in the model
   * for no other reason. Default: 1009, 2027 and 3045.
   */
  readonly probes?: readonly [number, number, number] | undefined
}

const usualProbes = [1009, 2027, 3045] as const

/**
 * A model with dynamic sizes, as other runtimes expect. Our graphs have fixed shapes, so the graph is built and written
 * for several values of each size: integers that change depend on the sizes, and the model computes them at run time.
 * They must be sums of products of at most two sizes, which a further graph confirms. Throws `GraphError` otherwise, or
 * if anything else than integers changes.
 */
export async function toDynamicOnnx<Name extends string>(
  build: (sizes: Readonly<Record<Name, number>>) => Graph,
  sizes: Readonly<Record<Name, DynamicSize>>,
  options: OnnxOptions
): Promise<OnnxModel> {
  const names = Object.keys(sizes) as Name[]
  const probe: Probe<Name> = (name, i) => (sizes[name].probes ?? usualProbes)[i]
  /** The model at probe `which` of the `moved` sizes and the first of the others. Only one needs its weights. */
  const at = async (moved: readonly Name[], which: 1 | 2, weights = false): Promise<LoweredModel> => {
    const values = Object.fromEntries(names.map(n => [n, probe(n, moved.includes(n) ? which : 0)]))
    const g = withSizes(build(values as Record<Name, number>), sizes)
    return lower(g, weights ? options : { ...options, inlineLimit: 0 })
  }
  const { proto, outputs, ...rest } = await at([], 1, true)
  const base = proto.graph!
  const compared = comparing(base)
  const numbersAt = async (moved: readonly Name[], which: 1 | 2): Promise<readonly number[]> =>
    numbersOf(compared((await at(moved, which)).proto.graph!))

  const terms = await fit(names, probe, { origin: numbersOf(base), numbersAt })
  if (!terms) throw cannot(base, 'an integer is not a sum of products of sizes')

  // Coefficients are in the order of `numbersOf`.
  let next = 0
  const take = (length: number): Terms => {
    const [from, to] = [next, (next += length)]
    const own = [...terms].map(([key, all]) => [key, all.slice(from, to)] as const)
    return new Map(own.filter(([, factors]) => factors.some(x => x !== 0)))
  }
  const isFixed = (own: Terms): boolean => [...own.keys()].every(key => key === '')

  const sizeOutputs = new Map(names.map(n => [n, outputs[sizeOutput(n)]]))
  const arithmetic = new Arithmetic()
  const computed = new Set<string>()
  for (const tensor of base.initializer) {
    if (!isInteger(tensor)) continue
    const own = take(integersOf(tensor).length)
    if (isFixed(own)) continue
    arithmetic.sum(tensor.name, own)
    computed.add(tensor.name)
  }
  for (const info of [...base.input, ...base.output])
    for (const dim of dimsOf(info)) {
      const own = take(1)
      if (isFixed(own)) continue
      const [key, ...others] = [...own.keys()]
      const isSize = others.length === 0 && own.get(key)![0] === 1 && names.includes(key as Name)
      dim.value = isSize ? { case: 'dimParam', value: key } : { case: undefined }
    }
  for (const name of names) {
    const { from } = sizes[name]
    const result = sizeOutputs.get(name)
    if (result !== undefined) arithmetic.size(name, result)
    else if ('input' in from) arithmetic.sizeOfAxis(name, rest.inputs[from.input], from.axis)
  }

  // The sizes come first, with what they are computed from; what depends on them follows.
  const first = neededFor(base.node, new Set(sizeOutputs.values()))
  if (base.node.some(n => first.has(n) && n.input.some(i => computed.has(i))))
    throw cannot(base, 'a size depends on itself')
  const isSize = new Set(sizeOutputs.values())
  const merged: GraphProto = {
    ...base,
    node: [...base.node.filter(n => first.has(n)), ...arithmetic.nodes(), ...base.node.filter(n => !first.has(n))],
    initializer: [...base.initializer.filter(t => !computed.has(t.name)), ...arithmetic.tensors],
    output: base.output.filter(({ name }) => !isSize.has(name))
  }
  return {
    ...rest,
    outputs: Object.fromEntries(Object.entries(outputs).filter(([, name]) => !isSize.has(name))),
    model: toBinary(ModelProtoSchema, { ...proto, graph: merged })
  }
}

type Probe<Name> = (name: Name, i: 0 | 1 | 2) => number

/** Coefficients of each product of sizes: 'a', 'a,b', and '' for what does not depend on a size. */
type Terms = ReadonlyMap<string, readonly number[]>

/**
 * The coefficients of all integers of a model, or undefined where no integers fit. `numbersAt` are the integers of the
 * model with these sizes moved from the first probe, `origin` with none.
 */
async function fit<Name extends string>(
  names: readonly Name[],
  probe: Probe<Name>,
  {
    origin,
    numbersAt
  }: { origin: readonly number[]; numbersAt: (moved: readonly Name[], which: 1 | 2) => Promise<readonly number[]> }
): Promise<Terms | undefined> {
  const terms = new Map<string, number[]>([['', [...origin]]])
  const add = (key: string, i: number, value: number): void => {
    if (!terms.has(key)) terms.set(key, new Array<number>(origin.length).fill(0))
    terms.get(key)![i] += value
  }
  const step = (n: Name): number => probe(n, 1) - probe(n, 0)
  const singles = new Map<Name, readonly number[]>()
  for (const n of names) singles.set(n, await numbersAt([n], 1))
  for (const [n, moved] of singles)
    for (const [i, value] of moved.entries()) {
      const slope = (value - origin[i]) / step(n)
      if (slope === 0) continue
      add(n, i, slope)
      add('', i, -slope * probe(n, 0))
    }
  for (const [k, a] of names.entries())
    for (const b of names.slice(k + 1)) {
      // A product of both changes with each of them.
      const [byA, byB] = [singles.get(a)!, singles.get(b)!]
      if (origin.every((x, i) => byA[i] === x || byB[i] === x)) continue
      for (const [i, value] of (await numbersAt([a, b], 1)).entries()) {
        const slope = (value - byA[i] - byB[i] + origin[i]) / (step(a) * step(b))
        if (slope === 0) continue
        add(`${a},${b}`, i, slope)
        add(a, i, -slope * probe(b, 0))
        add(b, i, -slope * probe(a, 0))
        add('', i, slope * probe(a, 0) * probe(b, 0))
      }
    }
  const product = (key: string): number =>
    key === '' ? 1 : (key.split(',') as Name[]).reduce((x, n) => x * probe(n, 2), 1)
  const confirmed = (await numbersAt(names, 2)).every(
    (value, i) => value === [...terms].reduce((sum, [key, factors]) => sum + factors[i] * product(key), 0)
  )
  return confirmed && [...terms.values()].every(all => all.every(Number.isSafeInteger)) ? terms : undefined
}

const sizeOutput = (name: string): string => `size:${name}`

/** The graph with the computed sizes as further outputs, so that they are lowered with it. */
function withSizes(g: Graph, sizes: Readonly<Record<string, DynamicSize>>): Graph {
  const values = Object.entries(sizes).flatMap(([name, { from }]) =>
    'op' in from ? [[sizeOutput(name), from] as const] : []
  )
  return values.length ? graph(g.name, { ...Object.fromEntries(values), ...g.outputs }, g.inputs) : g
}

const cannot = (g: GraphProto, why: string): GraphError =>
  new GraphError(`${g.name}: cannot be written for any size; ${why}`)

/** All integers of a model that may depend on its sizes: those of its initializers, then its dimensions. */
const numbersOf = (g: GraphProto): readonly number[] => [
  ...g.initializer.filter(isInteger).flatMap(integersOf),
  ...[...g.input, ...g.output].flatMap(info => dimsOf(info).map(dim => Number(dim.value.value)))
]

/** Refuses graphs that differ from the first in more than `numbersOf`. */
function comparing(base: GraphProto): (other: GraphProto) => GraphProto {
  const shape = (node: NodeProto): string =>
    JSON.stringify([node.opType, node.domain, node.input, node.output, node.attribute], (_, v: unknown) =>
      typeof v === 'bigint' ? `${v}n` : v
    )
  const nodes = base.node.map(shape)
  return other => {
    if (other.node.length !== nodes.length || other.node.some((node, i) => shape(node) !== nodes[i]))
      throw cannot(base, 'its operations depend on the sizes')
    for (const [i, tensor] of base.initializer.entries()) {
      const { name, dims, dataType, ...counterpart } = other.initializer[i]
      if (name !== tensor.name || `${dims}` !== `${tensor.dims}` || dataType !== tensor.dataType)
        throw cannot(base, `the shape of ${tensor.name} depends on the sizes`)
      // Tensors of the checkpoint are the same; they are inlined in the first model alone.
      if (isInteger(tensor) || counterpart.dataLocation === DataLocation.EXTERNAL) continue
      if (!same(tensor.rawData, counterpart.rawData))
        throw cannot(base, `the values of ${tensor.name} depend on the sizes`)
    }
    return other
  }
}

/** Nodes that compute integers from the sizes, and the constants that they need. */
class Arithmetic {
  readonly tensors: TensorProto[] = []
  readonly #sizes: NodeProto[] = []
  readonly #products = new Map<string, NodeProto>()
  readonly #sums: NodeProto[] = []

  nodes(): readonly NodeProto[] {
    return [...this.#sizes, ...this.#products.values(), ...this.#sums]
  }

  /** A size as int64[1], from a value i32[1]. */
  size(name: string, value: string): void {
    this.#sizes.push(
      create(NodeProtoSchema, {
        opType: 'Cast',
        input: [value],
        output: [`${name}:size`],
        attribute: [{ name: 'to', type: 2, i: BigInt(DataType.INT64) }]
      })
    )
  }

  sizeOfAxis(name: string, input: string, axis: number): void {
    const at = [this.#ints(`${name}:start`, [axis]), this.#ints(`${name}:end`, [axis + 1])]
    this.#sizes.push(node('Shape', [input], `${name}:shape`), node('Slice', [`${name}:shape`, ...at], `${name}:size`))
  }

  /** `name` = the sum of coefficients · products of sizes. */
  sum(name: string, coefficients: ReadonlyMap<string, readonly number[]>): void {
    const terms = [...coefficients].map(([key, factors]) => {
      const constant = this.#ints(`${name}:${key || 'rest'}`, factors)
      if (key === '') return constant
      this.#sums.push(node('Mul', [this.#product(key.split(',')), constant], `${name}:${key}:scaled`))
      return `${name}:${key}:scaled`
    })
    terms.slice(1).forEach((term, i) => {
      const sum = i === terms.length - 2 ? name : `${name}:sum${i}`
      this.#sums.push(node('Add', [i === 0 ? terms[0] : `${name}:sum${i - 1}`, term], sum))
    })
    if (terms.length === 1) this.#sums.push(node('Identity', [terms[0]], name))
  }

  #product(names: readonly string[]): string {
    if (names.length === 1) return `${names[0]}:size`
    const key = `${names.join('·')}:size`
    if (!this.#products.has(key))
      this.#products.set(
        key,
        node(
          'Mul',
          names.map(n => `${n}:size`),
          key
        )
      )
    return key
  }

  #ints(name: string, values: readonly number[]): string {
    this.tensors.push(
      create(TensorProtoSchema, {
        name,
        dataType: DataType.INT64,
        dims: [BigInt(values.length)],
        rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
      })
    )
    return name
  }
}

const node = (opType: string, input: string[], output: string): NodeProto =>
  create(NodeProtoSchema, { opType, input, output: [output] })

/** The nodes that these tensors are computed by. */
function neededFor(nodes: readonly NodeProto[], tensors: ReadonlySet<string | undefined>): ReadonlySet<NodeProto> {
  const [needed, found] = [new Set(tensors), new Set<NodeProto>()]
  for (const n of [...nodes].reverse()) {
    if (!n.output.some(name => needed.has(name))) continue
    n.input.forEach(name => needed.add(name))
    found.add(n)
  }
  return found
}

const dimsOf = (info: ValueInfoProto) => info.type?.value.value?.shape?.dim ?? []

/** Shapes, axes and starts. A checkpoint's own integers are not computed with. */
const isInteger = ({ dataType, dataLocation }: TensorProto): boolean =>
  dataType === Number(DataType.INT64) && dataLocation !== DataLocation.EXTERNAL

const integersOf = (t: TensorProto): readonly number[] =>
  Array.from(new BigInt64Array(t.rawData.slice().buffer), Number)

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])
