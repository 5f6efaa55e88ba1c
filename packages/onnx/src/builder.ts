import { create } from '@bufbuild/protobuf'
import { toposort, type DType, type HostTensor, type Shape, type Value } from '@sam/core/graph'
import {
  AttributeProto_AttributeType as AttributeType,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema
} from './generated/onnx_pb.js'
import type { NodeProto, TensorProto } from './generated/onnx_pb.js'

/** Attributes of an ONNX node. */
export type NodeAttrs = Readonly<Record<string, number | string | readonly number[]>>

/** Writes a node of our graph as ONNX nodes; returns the name of the result. */
export type Emit = (to: Builder, y: Value) => string

/** Builds an ONNX graph: nodes and small tensors, identified by the names of their outputs. */
export interface Builder {
  /**
   * The name of a value's tensor. A value without one is emitted first, so emitters may use our own operations.
   */
  of(value: Value): string
  /** The operator set version that is written. */
  readonly opset: number
  /** Whether GELU is approximated with tanh. */
  readonly geluApproximate: boolean
  /**
   * The names of a linear layer's quantized weight [in, out], its scale and, if it has one, its zero point, if it is
   * stored so.
   */
  quantized(value: Value): readonly string[] | undefined
  /**
   * Adds a node and returns the name of its output. An operator of another domain is written
   * `com.microsoft.MultiHeadAttention`; an input '' is omitted.
   */
  node(op: string, inputs: readonly string[], attrs?: NodeAttrs): string
  /** A tensor in the model file. Equal tensors are stored once. */
  constant(tensor: HostTensor): string
  /** Shapes, axes or starts, which ONNX requires as int64 tensors. */
  ints(values: readonly number[]): string
}

/** ONNX's element type of a value. */
export const dataTypes: Readonly<Record<DType, DataType>> = {
  f32: DataType.FLOAT,
  f16: DataType.FLOAT16,
  i32: DataType.INT32,
  bool: DataType.BOOL
}

/** Names of float attributes; all other numbers are integers. */
const floatAttrs = new Set(['alpha', 'epsilon', 'scale'])

/** Constants up to this many bytes are compared, so that equal ones are stored once. */
const shareLimit = 1 << 16

/**
 * A builder with its nodes and tensors. `emit` writes a value whose inputs have been emitted; generated names avoid
 * those `reserved`.
 */
export function builder(
  emit: Emit,
  { reserved, ...known }: { reserved: ReadonlySet<string> } & Pick<Builder, 'opset' | 'geluApproximate' | 'quantized'>
): Builder & { readonly nodes: NodeProto[]; readonly tensors: TensorProto[] } {
  const names = new Map<Value, string>()
  const nodes: NodeProto[] = []
  const tensors: TensorProto[] = []
  const stored = new Map<string, string>()
  let serial = 0
  const fresh = (): string => {
    let name
    do name = `t${serial++}`
    while (reserved.has(name))
    return name
  }
  const store = (dataType: DataType, shape: Shape, rawData: Uint8Array): string => {
    const name = fresh()
    tensors.push(create(TensorProtoSchema, { name, dataType, dims: shape.map(BigInt), rawData }))
    return name
  }
  const tensor = (dataType: DataType, shape: Shape, { buffer, byteOffset, byteLength }: ArrayBufferView): string => {
    const rawData = new Uint8Array(buffer, byteOffset, byteLength)
    if (byteLength > shareLimit) return store(dataType, shape, rawData)
    const key = `${dataType}[${shape}]${rawData.join()}`
    if (!stored.has(key)) stored.set(key, store(dataType, shape, rawData))
    return stored.get(key)!
  }
  const self: ReturnType<typeof builder> = {
    nodes,
    tensors,
    ...known,
    of(value) {
      if (!names.has(value)) for (const v of toposort([value], names.keys())) names.set(v, emit(self, v))
      return names.get(value)!
    },
    node(op, inputs, attrs = {}) {
      const [dot, output] = [op.lastIndexOf('.'), fresh()]
      const attribute = Object.entries(attrs).map(([name, value]) => ({ name, ...attributeValue(name, value) }))
      nodes.push(
        create(NodeProtoSchema, {
          opType: op.slice(dot + 1),
          domain: op.slice(0, Math.max(0, dot)),
          input: [...inputs],
          output: [output],
          attribute
        })
      )
      return output
    },
    constant: ({ dtype, shape, data }) => tensor(dataTypes[dtype], shape, data),
    ints: values => tensor(DataType.INT64, [values.length], BigInt64Array.from(values, BigInt))
  }
  return self
}

function attributeValue(name: string, value: NodeAttrs[string]) {
  if (typeof value === 'string') return { type: AttributeType.STRING, s: new TextEncoder().encode(value) }
  if (typeof value !== 'number') return { type: AttributeType.INTS, ints: value.map(BigInt) }
  return floatAttrs.has(name) ? { type: AttributeType.FLOAT, f: value } : { type: AttributeType.INT, i: BigInt(value) }
}
