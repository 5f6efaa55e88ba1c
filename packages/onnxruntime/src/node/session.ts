import { parse, relative, resolve, sep } from 'node:path'
import { bytesPerElement, sizeOf, type Graph, type HostTensor } from '@sam/core/graph'
import { toOnnx } from '@sam/onnx'
import type { InferenceSession } from 'onnxruntime-node'
import { elementTypes, type OpenOptions, type Session, type TensorType } from '../runtime.js'
import { externalPath, removeExternal, writeExternal } from './external-file.js'
import type { Expected, OrtTensor } from './protocol.js'
import type { Thread } from './thread.js'

export interface SessionOptions extends Omit<OpenOptions, 'weightBytes'> {
  /** Session options, without the folder of the weights. */
  readonly session: InferenceSession.SessionOptions
}

/** Lowers a graph and loads it, with weights memory-mapped from their files. */
export async function openSession(
  thread: Thread,
  g: Graph,
  { session: options, weights, initializers, precision, signal, onBytes = () => {} }: SessionOptions
): Promise<Session<number>> {
  const path = externalPath()
  // External data must be below the folder given to the runtime. Every file is below the root.
  const { root } = parse(path)
  const below = (file: string): string => relative(root, resolve(file)).split(sep).join('/')
  const { model, inputs, outputs, externalData } = await toOnnx(g, {
    weights,
    initializers,
    precision,
    resolvePath: file => (parse(resolve(file)).root === root ? below(file) : undefined),
    externalDataPath: below(path),
    signal
  })
  try {
    if (externalData) await writeExternal(path, externalData, { signal, onBytes })
    const session = await thread.call('open', { model, options: withFolder(options, root) })
    return {
      async run(feeds, signal) {
        const named = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [input, sent(feeds[name])]))
        const transfer = Object.values(named).flatMap(feed =>
          typeof feed === 'number' ? [] : [feed.data.buffer as ArrayBuffer]
        )
        const fetches = Object.fromEntries(
          Object.entries(outputs).map(([name, output]) => [output, expected(g.outputs[name])])
        )
        const cancelled = new Int32Array(new SharedArrayBuffer(4))
        const cancel = (): void => void Atomics.store(cancelled, 0, 1)
        signal?.addEventListener('abort', cancel, { once: true })
        try {
          const made = await thread.call('run', { session, feeds: named, fetches, cancelled }, transfer)
          return Object.fromEntries(
            Object.entries(outputs).flatMap(([name, output]) => (output in made ? [[name, made[output]]] : []))
          )
        } finally {
          signal?.removeEventListener('abort', cancel)
        }
      },
      close: () => {
        thread.call('close', { session }).catch(() => {})
      }
    }
  } finally {
    if (externalData) await removeExternal(path)
  }
}

/** A feed for the thread: the number of one of its tensors, or a copy to transfer. */
const sent = (feed: HostTensor | number): number | OrtTensor =>
  typeof feed === 'number' ? feed : { type: elementTypes[feed.dtype], shape: feed.shape, data: feed.data.slice() }

const expected = ({ dtype, shape }: TensorType): Expected => ({
  type: elementTypes[dtype],
  shape,
  bytes: sizeOf(shape) * bytesPerElement[dtype]
})

function withFolder(options: InferenceSession.SessionOptions, folder: string): InferenceSession.SessionOptions {
  const { session, ...extra } = (options.extra ?? {}) as { session?: object }
  return {
    ...options,
    extra: { ...extra, session: { ...session, model_external_initializers_file_folder_path: folder } }
  }
}
