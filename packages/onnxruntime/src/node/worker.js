/**
 * The thread that runs onnxruntime. Its node binding computes synchronously, so on the caller's thread an encode would
 * block a server for seconds. Tensors stay here, identified by numbers; callers read them on demand.
 *
 * JavaScript, because it is a thread's entry point: the same file runs next to the sources in tests and next to the
 * build in a package.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { inNative } from './native-section.js'

/** @typedef {import('./protocol.js').Calls} Calls */
/** @typedef {import('./protocol.js').OrtTensor} OrtTensor */

/** @type {{ section: Int32Array }} */
const { section } = workerData
const { default: ort } = await inNative(section, () => import('onnxruntime-node'))
// Takes effect only before the first session; errors are exceptions, and nothing is written to stderr.
ort.env.logLevel = 'fatal'

/** @type {Map<number, import('onnxruntime-node').InferenceSession>} */
const sessions = new Map()
/** @type {Map<number, OrtTensor>} */
const tensors = new Map()
let serial = 0

/** @param {OrtTensor} tensor */
const toOrt = ({ type, shape, data }) => new ort.Tensor(type, /** @type {any} */ (data), shape)

/** @param {OrtTensor} tensor */
function keep(tensor) {
  tensors.set(++serial, tensor)
  return serial
}

/** @type {{ [C in keyof Calls]: (args: Calls[C]['args']) => Promise<Calls[C]['result']> | Calls[C]['result'] }} */
const calls = {
  backends: () => ort.listSupportedBackends().map(b => b.name),

  async open({ model, options }) {
    sessions.set(++serial, await ort.InferenceSession.create(model, options))
    return serial
  },

  async run({ session, feeds, fetches, cancelled }) {
    if (Atomics.load(cancelled, 0)) return {}
    const inputs = Object.entries(feeds).map(([name, feed]) => [
      name,
      toOrt(typeof feed === 'number' ? /** @type {OrtTensor} */ (tensors.get(feed)) : feed)
    ])
    // Results are written to our own memory, which can be freed at once; memory allocated by the runtime is freed only
    // by garbage collection.
    const outputs = Object.entries(fetches).map(([name, { type, shape, bytes }]) => {
      const buffer = new ArrayBuffer(bytes)
      const data =
        type === 'float32'
          ? new Float32Array(buffer)
          : type === 'int32'
            ? new Int32Array(buffer)
            : type === 'float16'
              ? new Uint16Array(buffer)
              : new Uint8Array(buffer)
      return /** @type {const} */ ([name, { type, shape, data }])
    })
    const prepared = Object.fromEntries(outputs.map(([name, tensor]) => [name, toOrt(tensor)]))
    await sessions.get(session)?.run(Object.fromEntries(inputs), prepared, { logSeverityLevel: 4 })
    return Object.fromEntries(outputs.map(([name, tensor]) => [name, keep(tensor)]))
  },

  /** A copy, owned by the reader. */
  read: ({ tensor }) => /** @type {any} */ (tensors.get(tensor)?.data.slice()),

  free({ tensor }) {
    const buffer = /** @type {ArrayBuffer | undefined} */ (tensors.get(tensor)?.data.buffer)
    tensors.delete(tensor)
    // Transferring the memory and dropping it frees it now.
    if (buffer) structuredClone(buffer, { transfer: [buffer] })
  },

  async close({ session }) {
    const found = sessions.get(session)
    sessions.delete(session)
    await found?.release()
  },

  async end() {
    for (const session of sessions.values()) await session.release()
    parentPort?.close()
  }
}

/** Serialises calls in order of arrival. */
let last = Promise.resolve()

parentPort?.on('message', ({ id, call, args }) => {
  last = last.then(async () => {
    try {
      const result = await inNative(section, () => calls[/** @type {keyof Calls} */ (call)](args))
      parentPort?.postMessage({ id, result }, call === 'read' ? [/** @type {any} */ (result).buffer] : [])
    } catch (error) {
      parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
    }
  })
})
