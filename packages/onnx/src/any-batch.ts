import { create, toBinary } from '@bufbuild/protobuf'
import { GraphError, type Graph } from '@sam/core/graph'
import {
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema
} from './generated/onnx_pb.js'
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from './generated/onnx_pb.js'
import { lower, type OnnxModel, type OnnxOptions } from './lower.js'

/** Two batch sizes that do not occur in a model by chance. */
const [one, other] = [1009, 2027] as const

/**
 * A model with a dynamic batch size, as other runtimes expect. Our graphs have fixed shapes, so the graph is written
 * for two batch sizes: integers that differ between the two depend on the batch size, and the model computes them at
 * run time. Throws `GraphError` if anything else differs.
 */
export async function toOnnxOfAnyBatch(build: (batch: number) => Graph, options: OnnxOptions): Promise<OnnxModel> {
  const { proto, ...rest } = await lower(build(one), options)
  // The second is for comparison only: its weights are not inlined.
  const second = await lower(build(other), { ...options, inlineLimit: 0 })
  return { ...rest, model: toBinary(ModelProtoSchema, { ...proto, graph: merged(proto.graph!, second.proto.graph!) }) }
}

function merged(a: GraphProto, b: GraphProto): GraphProto {
  const differs = (why: string): never => {
    throw new GraphError(`${a.name}: cannot be written for any batch; ${why}`)
  }
  const shape = (node: NodeProto): string =>
    JSON.stringify([node.opType, node.domain, node.input, node.output, node.attribute], (_, v: unknown) =>
      typeof v === 'bigint' ? `${v}n` : v
    )
  if (a.node.length !== b.node.length || a.node.some((node, i) => shape(node) !== shape(b.node[i])))
    differs('its operations depend on the size')

  const nodes: NodeProto[] = []
  const extra: TensorProto[] = []
  const node = (opType: string, input: string[], output: string): void => {
    nodes.push(create(NodeProtoSchema, { opType, input, output: [output] }))
  }
  const ints = (name: string, values: readonly number[]): string => {
    extra.push(
      create(TensorProtoSchema, {
        name,
        dataType: DataType.INT64,
        dims: [BigInt(values.length)],
        rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
      })
    )
    return name
  }
  const bySize = new Map(b.initializer.map(t => [t.name, t]))
  const kept = a.initializer.filter(tensor => {
    const counterpart = bySize.get(tensor.name) ?? differs(`${tensor.name} exists for one size only`)
    if (`${tensor.dims}` !== `${counterpart.dims}` || tensor.dataType !== counterpart.dataType)
      differs(`the shape of ${tensor.name} depends on the size`)
    if (counterpart.dataLocation === DataLocation.EXTERNAL || same(tensor.rawData, counterpart.rawData)) return true
    if (tensor.dataType !== Number(DataType.INT64)) differs(`the values of ${tensor.name} depend on the size`)
    const [x, y] = [tensor, counterpart].map(t => Array.from(new BigInt64Array(t.rawData.slice().buffer), Number)) as [
      number[],
      number[]
    ]
    const slope = x.map((value, i) => (y[i] - value) / (other - one))
    if (!slope.every(Number.isInteger)) differs(`${tensor.name} is not linear in the size`)
    // value = slope · batch + rest
    node('Mul', ['batch:size', ints(`${tensor.name}:slope`, slope)], `${tensor.name}:scaled`)
    node(
      'Add',
      [
        `${tensor.name}:scaled`,
        ints(
          `${tensor.name}:rest`,
          x.map((value, i) => value - slope[i] * one)
        )
      ],
      tensor.name
    )
    return false
  })
  const [input] = a.input
  if (nodes.length) {
    nodes.unshift(
      create(NodeProtoSchema, { opType: 'Shape', input: [input.name], output: ['batch:shape'] }),
      create(NodeProtoSchema, {
        opType: 'Slice',
        input: ['batch:shape', ints('batch:start', [0]), ints('batch:end', [1])],
        output: ['batch:size']
      })
    )
  }
  const dynamic = (values: readonly ValueInfoProto[]): ValueInfoProto[] => values.map(withDynamicBatch)
  return {
    ...a,
    node: [...nodes, ...a.node],
    initializer: [...kept, ...extra],
    input: dynamic(a.input),
    output: dynamic(a.output)
  }
}

/** The declared shape with a symbolic first axis. */
function withDynamicBatch(info: ValueInfoProto): ValueInfoProto {
  const [first] = info.type?.value.value?.shape?.dim ?? []
  if (first?.value.value === BigInt(one)) first.value = { case: 'dimParam', value: 'batch' }
  return info
}

const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])
