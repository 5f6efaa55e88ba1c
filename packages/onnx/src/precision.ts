import { nameOf, sizeOf, storedIn, valuesOf, weightSource, type Graph, type WeightSource } from '@sam/core/graph'

/**
 * How a model stores the weights of its linear layers. Everything else is f32, and so are all sums.
 *
 * `f16`: half the bytes, in memory too; each weight is converted when it is used. `int8`: one scale for each output,
 * and the layer's input is quantized while it runs (one scale for each layer), for layers of at least 1,024 rows.
 */
export type Precision = 'f32' | 'f16' | 'int8'

/** Additional precisions of exported files. */
export type FilePrecision =
  | Precision
  /** As onnxruntime's `quantize_dynamic` with `QUInt8`: one scale and zero point per weight, for all linear layers. */
  | 'uint8'

/** Smaller products take little of the time, and have activations whose range a single scale covers worse. */
const int8Rows = 1024

/** Weights of linear layers, stored in fewer bits. */
export interface ReducedWeights {
  /**
   * Holds each weight under its own name. Quantized weights are transposed, with `<name>:scale` (f32[out] for `int8`,
   * f32[] for `uint8`), and for `uint8` with `<name>:zero` u8[].
   */
  readonly source: WeightSource
  /** The names of the weights. */
  readonly names: ReadonlySet<string>
  /** The tensors that belong to a quantized weight. */
  readonly companions: (name: string) => readonly string[]
}

/** The weights that `precision` stores in fewer bits: params that nothing but linear layers reads. */
export function reduceWeights(g: Graph, weights: WeightSource, precision: FilePrecision): ReducedWeights {
  const names = precision === 'f32' ? new Set<string>() : linearWeights(g, precision === 'int8' ? int8Rows : 0)
  if (precision !== 'int8' && precision !== 'uint8')
    return { source: storedIn(weights, 'F16'), names, companions: () => [] }
  return {
    source: weightSource(
      `${precision} weights`,
      [...names].flatMap(
        (name): WeightEntries => (precision === 'int8' ? quantized(weights, name) : quantizedWithZero(weights, name))
      )
    ),
    names,
    companions: name => (precision === 'int8' ? [scaleOf(name)] : [scaleOf(name), zeroOf(name)])
  }
}

type WeightEntries = Parameters<typeof weightSource>[1] extends Iterable<infer Entry> ? readonly Entry[] : never

const scaleOf = (name: string): string => `${name}:scale`
const zeroOf = (name: string): string => `${name}:zero`

/** Names of the params that are only read as weights of linear layers of at least so many rows. */
function linearWeights(g: Graph, rows: number): ReadonlySet<string> {
  const [weights, others] = [new Set<string>(), new Set(Object.values(g.outputs).map(nameOf))]
  for (const node of valuesOf(g)) {
    const isLinear = node.op === 'linear' && sizeOf(node.shape) / node.shape.at(-1)! >= rows
    for (const [i, x] of node.inputs.entries())
      if (x.op === 'param') (isLinear && i === 1 ? weights : others).add(nameOf(x))
  }
  return new Set([...weights].filter(name => !others.has(name)))
}

/** A weight [out, in] as int8 [in, out], and the scales of its outputs: symmetric, in −127 … 127. */
function quantized(weights: WeightSource, name: string) {
  const [out, width] = weights.info(name).shape as [number, number]
  const read = async (signal?: AbortSignal): Promise<{ data: Float32Array; scales: Float32Array }> => {
    const { data } = await weights.read(name, signal)
    const scales = Float32Array.from({ length: out }, (_, row) => {
      const most = data.subarray(row * width, (row + 1) * width).reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      return most / 127 || 1
    })
    return { data, scales }
  }
  return [
    {
      name,
      dtype: 'I8' as const,
      shape: [width, out],
      async bytes(signal?: AbortSignal) {
        const { data, scales } = await read(signal)
        const bytes = new Int8Array(data.length)
        for (let row = 0; row < out; row++)
          for (let i = 0; i < width; i++) bytes[i * out + row] = Math.round(data[row * width + i] / scales[row])
        return new Uint8Array(bytes.buffer)
      }
    },
    {
      name: scaleOf(name),
      dtype: 'F32' as const,
      shape: [out],
      bytes: async (signal?: AbortSignal) => new Uint8Array((await read(signal)).scales.buffer as ArrayBuffer)
    }
  ]
}

/** A weight [out, in] as uint8 [in, out], with one scale and one zero point: the range includes 0, which is exact. */
function quantizedWithZero(weights: WeightSource, name: string) {
  const [out, width] = weights.info(name).shape as [number, number]
  const read = async (signal?: AbortSignal) => {
    const { data } = await weights.read(name, signal)
    const [low, high] = [data.reduce((a, v) => Math.min(a, v), 0), data.reduce((a, v) => Math.max(a, v), 0)]
    const scale = Math.fround((high - low) / 255) || 1
    return { data, scale, zero: Math.round(-low / scale) }
  }
  return [
    {
      name,
      dtype: 'U8' as const,
      shape: [width, out],
      async bytes(signal?: AbortSignal) {
        const { data, scale, zero } = await read(signal)
        const bytes = new Uint8ClampedArray(data.length)
        for (let row = 0; row < out; row++)
          for (let i = 0; i < width; i++) bytes[i * out + row] = Math.round(data[row * width + i] / scale) + zero
        return new Uint8Array(bytes.buffer)
      }
    },
    {
      name: scaleOf(name),
      dtype: 'F32' as const,
      shape: [],
      bytes: async (signal?: AbortSignal) => new Uint8Array(Float32Array.of((await read(signal)).scale).buffer)
    },
    {
      name: zeroOf(name),
      dtype: 'U8' as const,
      shape: [],
      bytes: async (signal?: AbortSignal) => Uint8Array.of((await read(signal)).zero)
    }
  ]
}
