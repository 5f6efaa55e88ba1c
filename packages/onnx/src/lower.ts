import { create, toBinary } from '@bufbuild/protobuf'
import {
  GraphError,
  describe,
  nameOf,
  paramsOf,
  valuesOf,
  type Graph,
  type Value,
  type WeightSource
} from '@sam/core/graph'
import { builder, dataTypes, type Builder } from './builder.js'
import { composites, keeps, primitives } from './emit/index.js'
import { writeInitializers, storedTypes, type KnownLeaf, type ExternalData } from './initializers.js'
import { ModelProtoSchema, TensorProto_DataType, type ModelProto, type NodeProto } from './generated/onnx_pb.js'

export interface OnnxOptions {
  /** Where the graph's params are. Data is read only of small ones that are not located. */
  readonly weights: WeightSource
  /** Inputs of the graph whose values are known, by name: they become initializers of the model, as the params do. */
  readonly initializers?: WeightSource | undefined
  /**
   * How the runtime will find a file of the checkpoint: a path relative to the folder it is told, with forward slashes.
   * What lies in a file without such a path goes into the external data. Default: everything does.
   */
  readonly resolvePath?: ((path: string) => string | undefined) | undefined
  /** The path under which the runtime will find the external data. Default: `model.onnx.data`. */
  readonly externalDataPath?: string | undefined
  /**
   * Tensors up to this many bytes lie in the model itself. Default: 16 KiB. Infinity makes one file of it, of at most
   * 2 GB.
   */
  readonly inlineLimit?: number | undefined
  /** Integer inputs that are to be fed as int64, as other runtimes do with token ids. */
  readonly int64Inputs?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

export interface OnnxModel {
  /** A serialized ModelProto. */
  readonly model: Uint8Array
  /** The model's name of each input that is still fed and of each output, by the graph's. */
  readonly inputs: Readonly<Record<string, string>>
  readonly outputs: Readonly<Record<string, string>>
  /** Data that the model expects in a file of its own, if any. */
  readonly externalData: ExternalData | undefined
}

/** The operators' version: the first with Gelu. */
const opset = 20n
/** The file format's version of the same release. */
const irVersion = 9n

/**
 * A graph as an ONNX model. Params are initializers under their checkpoint's names and of their stored type, and stay
 * where they are stored. Composites that `keeps` does not keep are written as their decomposition.
 */
export async function toOnnx(g: Graph, options: OnnxOptions): Promise<OnnxModel> {
  const { proto, ...rest } = await lower(g, options)
  return { ...rest, model: toBinary(ModelProtoSchema, proto) }
}

/** A model that is not yet serialized. */
export interface LoweredModel extends Omit<OnnxModel, 'model'> {
  readonly proto: ModelProto
}

export async function lower(g: Graph, options: OnnxOptions): Promise<LoweredModel> {
  const {
    weights,
    initializers,
    resolvePath = () => undefined,
    externalDataPath = 'model.onnx.data',
    inlineLimit,
    int64Inputs = [],
    signal
  } = options
  const params = paramsOf(g)
  const isKnown = (v: Value): boolean => initializers !== undefined && initializers.has(nameOf(v)!)
  const known: KnownLeaf[] = params.map(value => ({ value, name: nameOf(value)!, source: weights }))
  for (const value of g.inputs) if (isKnown(value)) known.push({ value, name: nameOf(value)!, source: initializers! })
  const data = await writeInitializers(known, { resolvePath, externalDataPath, inlineLimit, signal })

  // Names: what is known has its own; what is fed or fetched has its own where that is free; the rest is numbered.
  const reserved = new Set(known.map(leaf => leaf.name))
  const claim = (name: string, what: string): string => {
    const free = reserved.has(name) ? `${name}:${what}` : name
    reserved.add(free)
    return free
  }
  const fed = g.inputs.filter(v => !isKnown(v))
  const inputs = Object.fromEntries(fed.map(v => [nameOf(v)!, claim(nameOf(v)!, 'input')]))
  const outputs = Object.fromEntries(Object.keys(g.outputs).map(name => [name, claim(name, 'output')]))

  const knownNames = new Set(known.map(leaf => leaf.name))
  const to = builder((to, value) => {
    const name = nameOf(value)
    if (name === undefined) return emit(to, value)
    if (value.op === 'input' && Object.hasOwn(inputs, name)) {
      return int64Inputs.includes(name) ? to.node('Cast', [inputs[name]], { to: dataTypes[value.dtype] }) : inputs[name]
    }
    if (!knownNames.has(name)) throw new GraphError(`${g.name}: ${describe(value)} is neither fed nor known`)
    return stored(to, value, value.op === 'param' ? weights : initializers!)
  }, reserved)
  for (const value of valuesOf(g)) to.of(value)

  const nodes = finish(
    to.nodes,
    Object.entries(g.outputs).map(([name, v]) => [outputs[name], to.of(v)])
  )
  const used = new Set(nodes.flatMap(n => n.input))
  const proto = create(ModelProtoSchema, {
    irVersion,
    producerName: '@sam/onnx',
    opsetImport: [
      { domain: '', version: opset },
      { domain: 'com.microsoft', version: 1n }
    ],
    graph: {
      name: g.name,
      node: nodes,
      initializer: [...data.tensors, ...to.tensors].filter(t => used.has(t.name)),
      input: fed.map(v =>
        valueInfo(inputs[nameOf(v)!], v, int64Inputs.includes(nameOf(v)!) ? TensorProto_DataType.INT64 : undefined)
      ),
      output: Object.entries(g.outputs).map(([name, v]) => valueInfo(outputs[name], v))
    }
  })
  return { proto, inputs, outputs, externalData: data.externalData }
}

/**
 * A leaf that lies in a checkpoint, widened to the graph's type where it is stored in another; the runtime does that
 * once, when it loads.
 */
function stored(to: Builder, value: Value, source: WeightSource): string {
  const name = nameOf(value)!
  const wanted = dataTypes[value.dtype]
  return storedTypes[source.info(name).dtype] === wanted ? name : to.node('Cast', [name], { to: wanted })
}

function emit(to: Builder, value: Value): string {
  if (value.op === 'constant') return to.constant(value.attrs.tensor as Parameters<Builder['constant']>[0])
  if (value.composite)
    return keeps(value) ? composites[value.op](to, value) : to.of(value.composite.decompose(value.inputs, value.attrs))
  const write = primitives[value.op as keyof typeof primitives]
  if (!write) throw new GraphError(`${value.op} must be a primitive or carry its composite to be written as ONNX`)
  return write(to, value)
}

/** The nodes that the outputs need, the outputs under their names: [name in the model, name of what was written]. */
function finish(nodes: readonly NodeProto[], outputs: readonly (readonly [string, string])[]): NodeProto[] {
  const made = new Set(nodes.flatMap(n => n.output))
  const renamed = new Map<string, string>()
  const copies: NodeProto[] = []
  for (const [name, tensor] of outputs) {
    if (made.has(tensor) && !renamed.has(tensor)) renamed.set(tensor, name)
    else
      copies.push({
        $typeName: 'onnx.NodeProto',
        name: '',
        opType: 'Identity',
        domain: '',
        input: [tensor],
        output: [name],
        attribute: []
      })
  }
  const rename = (names: readonly string[]): string[] => names.map(n => renamed.get(n) ?? n)
  const all = [...nodes, ...copies].map(n => ({ ...n, input: rename(n.input), output: rename(n.output) }))
  const needed = new Set(outputs.map(([name]) => name))
  const kept: NodeProto[] = []
  for (const node of all.reverse()) {
    if (!node.output.some(n => needed.has(n))) continue
    node.input.forEach(n => needed.add(n))
    kept.push(node)
  }
  return kept.reverse()
}

const valueInfo = (name: string, { shape, dtype }: Value, elemType = dataTypes[dtype]) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: { elemType, shape: { dim: shape.map(d => ({ value: { case: 'dimValue' as const, value: BigInt(d) } })) } }
    }
  }
})
