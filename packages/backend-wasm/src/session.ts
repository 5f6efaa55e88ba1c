import { BackendError, partOf, sizeOf, type HostTensor, type SamError } from '@sam/core/graph'
import { toOnnx, type ExternalData } from '@sam/onnx'
import { elementTypes, runtimeFailed, type OpenOptions, type Runtime, type TensorType } from '@sam/onnxruntime'
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import type { Ort } from './start.js'

/** A browser's largest buffer; leaves the rest of WebAssembly's 4 GB for a run. */
const weightLimit = 2 ** 31 - 1

/**
 * onnxruntime-web as a `Runtime`: weights are copied into it, and its tensors are in host memory, so a handle is the
 * tensor itself.
 */
export const wasmRuntime = (ort: Ort): Runtime<HostTensor> => ({
  async open(g, { weights, initializers, precision, signal, onBytes }) {
    const { model, inputs, outputs, externalData } = await toOnnx(g, { weights, initializers, precision, signal })
    const data = externalData && (await gather(externalData, { name: g.name, signal, onBytes }))
    signal?.throwIfAborted()
    const options: InferenceSession.SessionOptions = {
      executionProviders: ['wasm'],
      logSeverityLevel: 4,
      // Repacked weights would be a second copy in WebAssembly's 4 GB.
      extra: { session: { disable_prepacking: '1' } },
      ...(externalData && data ? { externalData: [{ path: externalData.path, data }] } : {})
    }
    const session = await inTurn(() => ort.InferenceSession.create(model, options))
    return {
      async run(feeds) {
        const named = Object.fromEntries(
          Object.entries(inputs).map(([name, input]) => [input, toOrt(ort, feeds[name])])
        )
        const made = await inTurn(() => session.run(named))
        return Object.fromEntries(
          Object.entries(outputs).map(([name, output]) => [name, fromOrt(made[output], g.outputs[name])])
        )
      },
      close: () => {
        inTurn(() => session.release()).catch(() => {})
      }
    }
  },
  async read(tensor, _, part) {
    return part ? partOf(tensor, part) : { ...tensor, data: tensor.data.slice() }
  },
  free() {},
  end() {}
})

/** The external data in one buffer: the runtime needs a file's content, not a file. */
async function gather(
  externalData: ExternalData,
  { name, signal, onBytes }: { name: string } & Pick<OpenOptions, 'signal' | 'onBytes'>
): Promise<Uint8Array> {
  const { length } = externalData
  if (length > weightLimit) {
    throw new BackendError(
      'E_OUT_OF_MEMORY',
      `${name}: weights must have at most ${weightLimit} bytes to fit into WebAssembly, found ${length}; use a smaller model, ` +
        'its weights in f16, or the WebGPU backend'
    )
  }
  let data: Uint8Array
  try {
    data = new Uint8Array(length)
  } catch (error) {
    throw failed(error)
  }
  let at = 0
  for await (const chunk of externalData.chunks(signal)) {
    data.set(chunk, at)
    at += chunk.length
    onBytes?.(chunk.length)
  }
  return data
}

let last: Promise<unknown> = Promise.resolve()

/** Serialises calls of the runtime, which is not reentrant. */
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const turn = last.then(call).catch((error: unknown) => {
    throw failed(error)
  })
  last = turn.catch(() => {})
  return turn
}

const failed = (error: unknown): SamError =>
  runtimeFailed(
    error,
    'no memory left of the 4 GB of WebAssembly: decode fewer prompts at once, use a smaller model, or WebGPU'
  )

const toOrt = (ort: Ort, { dtype, shape, data }: HostTensor): Tensor =>
  new ort.Tensor(elementTypes[dtype], data as Float32Array, shape)

/** Copies a result of the runtime. f16 may be a `Float16Array`; ours are its bits. */
function fromOrt(tensor: Tensor, { dtype, shape }: TensorType): HostTensor {
  const { buffer, byteOffset } = tensor.data as Float32Array
  const data = dtype === 'f16' ? new Uint16Array(buffer, byteOffset, sizeOf(shape)) : tensor.data
  return { dtype, shape, data } as HostTensor
}
