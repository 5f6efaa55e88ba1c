import { create, toBinary } from '@bufbuild/protobuf'
import {
  decompose,
  GraphError,
  describe,
  nameOf,
  paramsOf,
  refuse,
  shown,
  valuesOf,
  type Graph,
  type Value,
  type WeightSource
} from '@sam/core/graph'
import { builder, dataTypes, type Builder } from './builder.js'
import { composites, keeps, primitives } from './emit/index.js'
import { reduceWeights, type FilePrecision } from './precision.js'
import { writeInitializers, storedTypes, type KnownLeaf, type ExternalData } from './initializers.js'
import { ModelProtoSchema, TensorProto_DataType, type ModelProto, type NodeProto } from './generated/onnx_pb.js'

export interface OnnxOptions {
  /** Source of the graph's params. Reads only small tensors, and those without a known location. */
  readonly weights: WeightSource
  /** Inputs of the graph with known values, by name: they become initializers of the model, like params. */
  readonly initializers?: WeightSource | undefined
  /**
   * Maps a file of the checkpoint to the path at which the runtime finds it: relative to the runtime's folder for
   * external data, with forward slashes. Tensors of files without such a path are copied to the external data. Default:
   * all are copied.
   */
  readonly resolvePath?: ((path: string) => string | undefined) | undefined
  /** The path of the external data in the model. Default: `model.onnx.data`. */
  readonly externalDataPath?: string | undefined
  /**
   * Tensors up to this many bytes are stored in the model file. Default: 16 KiB. Infinity gives a single file, of at
   * most 2 GB.
   */
  readonly inlineLimit?: number | undefined
  /** How weights of linear layers are stored. Default: as in the checkpoint. */
  readonly precision?: FilePrecision | undefined
  /** Operator set version, 13 … 20. Default: 20. */
  readonly opset?: number | undefined
  /** Approximates GELU with tanh, for runtimes with a slow erf or none. Default: false. */
  readonly geluApproximate?: boolean | undefined
  /** Integer inputs that become int64 inputs of the model, as usual for token ids. */
  readonly int64Inputs?: readonly string[] | undefined
  /** Integer outputs that become int64 outputs of the model. */
  readonly int64Outputs?: readonly string[] | undefined
  /** Free text that the file stores about the model: ONNX's `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

export interface OnnxModel {
  /** A serialized ModelProto. */
  readonly model: Uint8Array
  /** Names of the remaining inputs in the model, by their names in the graph; below, those of the outputs. */
  readonly inputs: Readonly<Record<string, string>>
  readonly outputs: Readonly<Record<string, string>>
  /** External data, if any. */
  readonly externalData: ExternalData | undefined
}

/** Operator set versions: the first with axes of ReduceSum as an input, the first with Gelu. */
const opsets = { least: 13, most: 20 }
/** The file format version of the release with an operator set. */
const irVersion = (opset: number): bigint => (opset >= 19 ? 9n : opset >= 15 ? 8n : 7n)

/**
 * Writes a graph as an ONNX model. Params are initializers with their checkpoint's names and stored types, referenced
 * in the checkpoint's file if possible. Composites that `keeps` does not keep are decomposed.
 */
export async function toOnnx(g: Graph, options: OnnxOptions): Promise<OnnxModel> {
  const { proto, ...rest } = await lower(g, options)
  return { ...rest, model: toBinary(ModelProtoSchema, proto) }
}

/** A model before serialization. */
export interface LoweredModel extends Omit<OnnxModel, 'model'> {
  readonly proto: ModelProto
}

export async function lower(given: Graph, options: OnnxOptions): Promise<LoweredModel> {
  // Only then does it show which weights are those of linear layers.
  const g = decompose(given, keeps)
  const {
    weights,
    initializers,
    resolvePath = () => undefined,
    externalDataPath = 'model.onnx.data',
    inlineLimit,
    precision = 'f32',
    int64Inputs = [],
    int64Outputs = [],
    opset = opsets.most,
    geluApproximate = false,
    metadata = {},
    signal
  } = options
  if (!Number.isInteger(opset) || opset < opsets.least || opset > opsets.most)
    refuse('E_BAD_OPTION', `opset must be a whole number from ${opsets.least} to ${opsets.most}, found ${shown(opset)}`)
  const params = paramsOf(g)
  const isKnown = (v: Value): boolean => initializers !== undefined && initializers.has(nameOf(v)!)
  const reduced = reduceWeights(g, weights, precision)
  const known: KnownLeaf[] = params.map(value => {
    const name = nameOf(value)!
    return { name, source: reduced.names.has(name) ? reduced.source : weights }
  })
  for (const name of [...reduced.names].flatMap(reduced.companions)) known.push({ name, source: reduced.source })
  for (const value of g.inputs) if (isKnown(value)) known.push({ name: nameOf(value)!, source: initializers! })
  const data = await writeInitializers(known, { resolvePath, externalDataPath, inlineLimit, signal })

  // Names: initializers keep theirs; inputs and outputs keep theirs if free; other values are numbered.
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
  const to = builder(
    (to, value) => {
      const name = nameOf(value)
      if (name === undefined) return emit(to, value)
      if (value.op === 'input' && Object.hasOwn(inputs, name)) {
        return int64Inputs.includes(name)
          ? to.node('Cast', [inputs[name]], { to: dataTypes[value.dtype] })
          : inputs[name]
      }
      if (!knownNames.has(name)) throw new GraphError(`${g.name}: ${describe(value)} must be fed or known`)
      const source = value.op === 'input' ? initializers! : reduced.names.has(name) ? reduced.source : weights
      return stored(to, value, source)
    },
    {
      reserved,
      opset,
      geluApproximate,
      quantized: value => {
        const name = nameOf(value)
        if (name === undefined || !reduced.names.has(name)) return undefined
        const companions = reduced.companions(name)
        return companions.length ? [name, ...companions] : undefined
      }
    }
  )
  for (const value of valuesOf(g)) to.of(value)
  const castToInt64 = (name: string): string => to.node('Cast', [name], { to: TensorProto_DataType.INT64 })

  const nodes = finish(
    to.nodes,
    Object.entries(g.outputs).map(([name, v]) => [
      outputs[name],
      int64Outputs.includes(name) ? castToInt64(to.of(v)) : to.of(v)
    ])
  )
  const used = new Set(nodes.flatMap(n => n.input))
  const proto = create(ModelProtoSchema, {
    irVersion: irVersion(opset),
    producerName: '@sam/onnx',
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      // A runtime without this domain refuses a model that imports it, so it is imported only where it is used.
      ...(nodes.some(n => n.domain === 'com.microsoft') ? [{ domain: 'com.microsoft', version: 1n }] : [])
    ],
    graph: {
      name: g.name,
      node: nodes,
      initializer: [...data.tensors, ...to.tensors].filter(t => used.has(t.name)),
      input: [
        ...fed.map(v =>
          valueInfo(inputs[nameOf(v)!], v, int64Inputs.includes(nameOf(v)!) ? TensorProto_DataType.INT64 : undefined)
        ),
        // Initializers that are also inputs are not constants to the runtime, which would store a cast constant as f32.
        ...(precision === 'f16'
          ? params
              .filter(v => reduced.names.has(nameOf(v)!))
              .map(v => valueInfo(nameOf(v)!, v, TensorProto_DataType.FLOAT16))
          : [])
      ],
      output: Object.entries(g.outputs).map(([name, v]) =>
        valueInfo(outputs[name], v, int64Outputs.includes(name) ? TensorProto_DataType.INT64 : undefined)
      )
    }
  })
  return { proto, inputs, outputs, externalData: data.externalData }
}

/**
 * A leaf from a checkpoint, cast to the graph's type if it is stored in another; the runtime folds the cast on loading.
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

/** The nodes that the outputs need, with outputs renamed: pairs of [name in the model, name of the emitted tensor]. */
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
