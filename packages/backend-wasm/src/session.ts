import { BackendError, sizeOf, type Graph, type HostTensor, type Value, type WeightSource } from '@sam/core/graph'
import { toOnnx, type SideData } from '@sam/onnx'
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import { runtimeFailed } from './failures.js'
import type { Ort } from './runtime.js'

/** A graph in the runtime. */
export interface Session {
  run(feeds: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>
  close(): void
}

export interface SessionOptions {
  readonly weights: WeightSource
  readonly bound?: WeightSource | undefined
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((n: number) => void) | undefined
}

/** A browser's largest buffer, and what is left of WebAssembly's 4 GB beside a run. */
const weightLimit = 2 ** 31 - 1

/** Lowers a graph and loads it, weights copied into the runtime. */
export async function openSession(
  ort: Ort,
  g: Graph,
  { weights, bound, signal, onBytes }: SessionOptions
): Promise<Session> {
  const { model, inputs, outputs, side } = await toOnnx(g, { weights, bound, signal })
  const data = side && (await gather(side, { name: g.name, signal, onBytes }))
  signal?.throwIfAborted()
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['wasm'],
    logSeverityLevel: 4,
    // Repacked weights would be a second copy in the 4 GB that WebAssembly has.
    extra: { session: { disable_prepacking: '1' } },
    ...(side && data ? { externalData: [{ path: side.path, data }] } : {})
  }
  const session = await inTurn(() => ort.InferenceSession.create(model, options))
  return {
    async run(feeds) {
      const named = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [input, toOrt(ort, feeds[name])]))
      const made = await inTurn(() => session.run(named))
      return Object.fromEntries(
        Object.entries(outputs).map(([name, output]) => [name, fromOrt(made[output], g.outputs[name])])
      )
    },
    close: () => {
      inTurn(() => session.release()).catch(() => {})
    }
  }
}

/** The side data in one piece: the runtime takes a file's content, not a file. */
async function gather(
  side: SideData,
  { name, signal, onBytes }: { name: string } & Pick<SessionOptions, 'signal' | 'onBytes'>
): Promise<Uint8Array> {
  const { length } = side
  if (length > weightLimit) {
    throw new BackendError(
      'E_OUT_OF_MEMORY',
      `${name}: weights must have at most ${weightLimit} bytes to fit into WebAssembly, found ${length}; take a smaller model, ` +
        'its weights in f16, or the WebGPU backend'
    )
  }
  let data: Uint8Array
  try {
    data = new Uint8Array(length)
  } catch (error) {
    throw runtimeFailed(error)
  }
  let at = 0
  for await (const chunk of side.chunks(signal)) {
    data.set(chunk, at)
    at += chunk.length
    onBytes?.(chunk.length)
  }
  return data
}

let last: Promise<unknown> = Promise.resolve()

/** One call of the runtime after the other: it is not reentrant. */
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const turn = last.then(call).catch((error: unknown) => {
    throw runtimeFailed(error)
  })
  last = turn.catch(() => {})
  return turn
}

const types = { f32: 'float32', f16: 'float16', i32: 'int32', bool: 'bool' } as const

const toOrt = (ort: Ort, { dtype, shape, data }: HostTensor): Tensor =>
  new ort.Tensor(types[dtype], data as Float32Array, shape)

/** The runtime's answer, in memory of its own. Halves may come as a `Float16Array`; ours are their bits. */
function fromOrt(tensor: Tensor, { dtype, shape }: Value): HostTensor {
  const { buffer, byteOffset } = tensor.data as Float32Array
  const data = dtype === 'f16' ? new Uint16Array(buffer, byteOffset, sizeOf(shape)) : tensor.data
  return { dtype, shape, data } as HostTensor
}

/** Bytes of the params of a graph, as f32. */
export const weightBytes = (params: readonly Value[]): number => params.reduce((n, p) => n + 4 * sizeOf(p.shape), 0)
