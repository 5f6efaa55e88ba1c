import { nameOf, sizeOf, storedIn, valuesOf, weightSource, type Graph, type WeightSource } from '@sam/core/graph'

/**
 * How a model stores the weights of its linear layers. Everything else is f32, and so are all sums.
 *
 * `f16`: half the bytes, in memory too; each weight is converted when it is used. `int8`: one scale for each output,
 * and the layer's input is quantized while it runs (one scale for each layer), for layers of at least 1,024 rows.
 */
export type Precision = 'f32' | 'f16' | 'int8'

/** Smaller products take little of the time, and have activations whose range a single scale covers worse. */
const int8Rows = 1024

/** Weights of linear layers, stored in fewer bits. */
export interface ReducedWeights {
  /** Holds each weight under its own name; for `int8`, transposed, and with `<name>:scale` f32[out]. */
  readonly source: WeightSource
  /** The names of the weights. */
  readonly names: ReadonlySet<string>
}

/** The weights that `precision` stores in fewer bits: params that nothing but linear layers reads. */
export function reduceWeights(g: Graph, weights: WeightSource, precision: Precision): ReducedWeights {
  const names = precision === 'f32' ? new Set<string>() : linearWeights(g, precision === 'int8' ? int8Rows : 0)
  const source =
    precision === 'int8'
      ? weightSource(
          'int8 weights',
          [...names].flatMap(name => quantized(weights, name))
        )
      : storedIn(weights, 'F16')
  return { source, names }
}

export const scaleOf = (name: string): string => `${name}:scale`

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
