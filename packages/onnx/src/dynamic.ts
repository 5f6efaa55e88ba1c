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
  const probe = (name: Name, i: 0 | 1 | 2): number => (sizes[name].probes ?? usualProbes)[i]
  /** The model at the second probe of the `moved` sizes and the first of the others. Only one needs its weights. */
  const at = async (moved: readonly Name[], which: 1 | 2, weights = false): Promise<LoweredModel> => {
    const values = Object.fromEntries(names.map(n => [n, probe(n, moved.includes(n) ? which : 0)])) as Record<
      Name,
      number
    >
    return lower(withSizes(build(values), sizes), weights ? options : { ...options, inlineLimit: 0 })
  }
  const { proto, outputs, ...rest } = await at([], 1, true)
  const base = proto.graph!
  const { differs, compared } = comparing(base)

  const pairs = names.flatMap((a, i) => names.slice(i + 1).map(b => [a, b] as const))
  const moves: readonly (readonly Name[])[] = [...names.map(n => [n]), ...pairs]
  const moved = new Map<string, GraphProto>()
  for (const move of moves) moved.set(move.join(), compared((await at(move, 1)).proto.graph!))
  const confirming = compared((await at(names, 2)).proto.graph!)

  /** Coefficients of each product of sizes ('' is the constant) that give the numbers of all graphs. */
  const fit = (what: string, numbers: (g: GraphProto) => readonly number[]): Map<string, number[]> => {
    const origin = numbers(base)
    const step = (n: Name): number => probe(n, 1) - probe(n, 0)
    const valuesAt = (move: readonly Name[]): readonly number[] => numbers(moved.get(move.join())!)
    const slopes = new Map<string, number[]>([['', [...origin]]])
    const add = (key: string, i: number, value: number): void => {
      if (value === 0) return
      if (!slopes.has(key))
        slopes.set(
          key,
          origin.map(() => 0)
        )
      slopes.get(key)![i] += value
    }
    for (const i of origin.keys()) {
      const single = (n: Name): number => (valuesAt([n])[i] - origin[i]) / step(n)
      for (const n of names) {
        add(n, i, single(n))
        add('', i, -single(n) * probe(n, 0))
      }
      for (const [a, b] of pairs) {
        const both = valuesAt([a, b])[i] - valuesAt([a])[i] - valuesAt([b])[i] + origin[i]
        const product = both / (step(a) * step(b))
        add([a, b].join(), i, product)
        add(a, i, -product * probe(b, 0))
        add(b, i, -product * probe(a, 0))
        add('', i, product * probe(a, 0) * probe(b, 0))
      }
      let sum = 0
      for (const [key, of] of slopes)
        sum += of[i] * (key === '' ? 1 : (key.split(',') as Name[]).reduce((x, n) => x * probe(n, 2), 1))
      if (sum !== numbers(confirming)[i] || ![...slopes.values()].every(of => Number.isSafeInteger(of[i])))
        differs(`${what} is not a sum of products of sizes`)
    }
    for (const [key, of] of slopes) if (of.every(x => x === 0)) slopes.delete(key)
    return slopes
  }

  const arithmetic = new Arithmetic()
  const sizeOutputs = new Map(names.map(n => [n, outputs[sizeOutput(n)]]))
  const computed = new Set<string>()
  const others = [...moved.values(), confirming]
  const byName = new Map(others.map(g => [g, new Map(g.initializer.map(t => [t.name, t]))]))
  const kept = base.initializer.filter(tensor => {
    const changes = others.some(g => !sameData(tensor, byName.get(g)!.get(tensor.name)!))
    if (!changes) return true
    if (tensor.dataType !== Number(DataType.INT64)) differs(`the values of ${tensor.name} depend on the sizes`)
    arithmetic.sum(
      tensor.name,
      fit(tensor.name, g => integersOf(g === base ? tensor : byName.get(g)!.get(tensor.name)!))
    )
    computed.add(tensor.name)
    return false
  })
  for (const name of names) {
    const { from } = sizes[name]
    const result = sizeOutputs.get(name)
    if (result !== undefined) arithmetic.size(name, result)
    else if ('input' in from) arithmetic.sizeOfAxis(name, rest.inputs[from.input], from.axis)
  }

  // The sizes come first, with what they are computed from; what depends on them follows.
  const first = neededFor(base.node, new Set(sizeOutputs.values()))
  if (base.node.some(n => first.has(n) && n.input.some(i => computed.has(i)))) differs('a size depends on itself')
  const isSize = new Set([...sizeOutputs.values()])
  const dims = (infos: (g: GraphProto) => readonly ValueInfoProto[]): ValueInfoProto[] =>
    infos(base)
      .filter(({ name }) => !isSize.has(name))
      .map(info =>
        withDynamicDims(info, names, axis =>
          fit(info.name, g => [dimsOf(infos(g).find(v => v.name === info.name)!)[axis]])
        )
      )
  const merged: GraphProto = {
    ...base,
    node: [...base.node.filter(n => first.has(n)), ...arithmetic.nodes(), ...base.node.filter(n => !first.has(n))],
    initializer: [...kept, ...arithmetic.tensors],
    input: dims(g => g.input),
    output: dims(g => g.output)
  }
  return {
    ...rest,
    outputs: Object.fromEntries(Object.entries(outputs).filter(([, name]) => !isSize.has(name))),
    model: toBinary(ModelProtoSchema, { ...proto, graph: merged })
  }
}

const sizeOutput = (name: string): string => `size:${name}`

/** The graph with the computed sizes as further outputs, so that they are lowered with it. */
function withSizes(g: Graph, sizes: Readonly<Record<string, DynamicSize>>): Graph {
  const values = Object.entries(sizes).flatMap(([name, { from }]) =>
    'op' in from ? [[sizeOutput(name), from] as const] : []
  )
  return values.length ? graph(g.name, { ...Object.fromEntries(values), ...g.outputs }, g.inputs) : g
}

/** Refuses graphs that differ from the first in more than their integers and dimensions. */
function comparing(base: GraphProto) {
  const differs = (why: string): never => {
    throw new GraphError(`${base.name}: cannot be written for any size; ${why}`)
  }
  const shape = (node: NodeProto): string =>
    JSON.stringify([node.opType, node.domain, node.input, node.output, node.attribute], (_, v: unknown) =>
      typeof v === 'bigint' ? `${v}n` : v
    )
  const nodes = base.node.map(shape)
  const compared = (other: GraphProto): GraphProto => {
    if (other.node.length !== nodes.length || other.node.some((node, i) => shape(node) !== nodes[i]))
      differs('its operations depend on the sizes')
    const tensors = new Map(other.initializer.map(t => [t.name, t]))
    for (const { name, dims, dataType } of base.initializer) {
      const counterpart = tensors.get(name) ?? differs(`${name} does not exist for all sizes`)
      if (`${dims}` !== `${counterpart.dims}` || dataType !== counterpart.dataType)
        differs(`the shape of ${name} depends on the sizes`)
    }
    return other
  }
  return { differs, compared }
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

const dimsOf = (info: ValueInfoProto): readonly number[] =>
  (info.type?.value.value?.shape?.dim ?? []).map(d => Number(d.value.value))

/** The declared shape with the name of a size where a dimension is that size, and nothing where it depends on several. */
function withDynamicDims(
  info: ValueInfoProto,
  names: readonly string[],
  fit: (axis: number) => ReadonlyMap<string, readonly number[]>
): ValueInfoProto {
  for (const [axis, dim] of (info.type?.value.value?.shape?.dim ?? []).entries()) {
    const terms = [...fit(axis)]
    if (terms.every(([key]) => key === '')) continue
    const [[key, [factor]]] = terms as [[string, [number]]]
    dim.value =
      terms.length === 1 && factor === 1 && names.includes(key) ? { case: 'dimParam', value: key } : { case: undefined }
  }
  return info
}

const integersOf = (t: TensorProto): readonly number[] =>
  Array.from(new BigInt64Array(t.rawData.slice().buffer), Number)

/** Tensors that are not in the model of the other size are those of the checkpoint, which are the same. */
const sameData = (a: TensorProto, b: TensorProto): boolean =>
  b.dataLocation === DataLocation.EXTERNAL || same(a.rawData, b.rawData)

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])
