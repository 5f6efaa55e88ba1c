import { create } from '@bufbuild/protobuf'
import { sizeOf, storedBytes, type StoredDType, type WeightLocation, type WeightSource } from '@sam/core/graph'
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type TensorProto
} from './generated/onnx_pb.js'

/** A tensor whose data is known when the model is written. */
export interface KnownLeaf {
  /** Name in the source and in the model. */
  readonly name: string
  readonly source: WeightSource
}

/** External data: tensors that the model references in a separate file. */
export interface ExternalData {
  /** Path in the model. */
  readonly path: string
  /** Total number of bytes. */
  readonly length: number
  /** The file's content in order, one tensor at a time. */
  chunks(signal?: AbortSignal): AsyncIterable<Uint8Array>
}

export interface InitializerOptions {
  readonly resolvePath: (path: string) => string | undefined
  readonly externalDataPath: string
  /** Tensors up to this many bytes are stored in the model file. */
  readonly inlineLimit?: number | undefined
  readonly signal: AbortSignal | undefined
}

/** ONNX's types of a checkpoint's tensors. The bytes are the same: little-endian, row-major. */
export const storedTypes: Readonly<Record<StoredDType, DataType>> = {
  F64: DataType.DOUBLE,
  F32: DataType.FLOAT,
  F16: DataType.FLOAT16,
  BF16: DataType.BFLOAT16,
  I64: DataType.INT64,
  I32: DataType.INT32,
  I16: DataType.INT16,
  I8: DataType.INT8,
  U8: DataType.UINT8,
  BOOL: DataType.BOOL
}

const usualInlineLimit = 1 << 14

/** Alignment of tensors in the external data, as in torch.save. */
const alignment = 64

/**
 * The known leaves as initializers of their stored type: referenced in their file if it is known and the tensor is
 * aligned to its element size, in the model if small, otherwise as external data.
 */
export async function writeInitializers(
  leaves: readonly KnownLeaf[],
  { resolvePath, externalDataPath, inlineLimit = usualInlineLimit, signal }: InitializerOptions
): Promise<{ tensors: TensorProto[]; externalData: ExternalData | undefined }> {
  const tensors: TensorProto[] = []
  const collected: { leaf: KnownLeaf; offset: number }[] = []
  let length = 0
  for (const leaf of leaves) {
    const { dtype, shape } = leaf.source.info(leaf.name)
    const bytes = sizeOf(shape) * storedBytes[dtype]
    const tensor = create(TensorProtoSchema, {
      name: leaf.name,
      dataType: storedTypes[dtype],
      dims: shape.map(BigInt)
    })
    const at = leaf.source.locate(leaf.name)
    const path = at && at.offset % storedBytes[dtype] === 0 ? resolvePath(at.path) : undefined
    if (at && path !== undefined) {
      external(tensor, { ...at, path })
    } else if (bytes <= inlineLimit) {
      tensor.rawData = await leaf.source.bytes(leaf.name, signal)
    } else {
      length = Math.ceil(length / alignment) * alignment
      collected.push({ leaf, offset: length })
      external(tensor, { path: externalDataPath, offset: length, length: bytes })
      length += bytes
    }
    tensors.push(tensor)
  }
  const chunks = async function* (abort?: AbortSignal): AsyncIterable<Uint8Array> {
    let at = 0
    for (const { leaf, offset } of collected) {
      if (offset > at) yield new Uint8Array(offset - at)
      const bytes = await leaf.source.bytes(leaf.name, abort)
      yield bytes
      at = offset + bytes.length
    }
  }
  return { tensors, externalData: collected.length ? { path: externalDataPath, length, chunks } : undefined }
}

function external(tensor: TensorProto, { path, offset, length }: WeightLocation): void {
  tensor.dataLocation = DataLocation.EXTERNAL
  const entries = { location: path, offset: String(offset), length: String(length) }
  tensor.externalData = Object.entries(entries).map(([key, value]) => ({
    $typeName: 'onnx.StringStringEntryProto',
    key,
    value
  }))
}
