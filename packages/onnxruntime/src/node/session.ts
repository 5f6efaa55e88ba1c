import { parse, relative, resolve, sep } from 'node:path'
import { bytesPerElement, nameOf, sizeOf, type Graph, type Value, type WeightSource } from '@sam/core/graph'
import { toOnnx } from '@sam/onnx'
import type { InferenceSession } from 'onnxruntime-node'
import type { Calls, Expected, Plain } from './protocol.js'
import { removeSide, sidePath, writeSide } from './side-file.js'
import type { Thread } from './thread.js'

/** A graph in the runtime. */
export interface Session {
  run(feeds: Readonly<Record<string, number | Plain>>, cancelled: Int32Array): Promise<Calls['run']['result']>
  close(): void
}

export interface SessionOptions {
  readonly options: InferenceSession.SessionOptions
  readonly weights: WeightSource
  readonly bound?: WeightSource | undefined
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: (n: number) => void
}

/** Lowers a graph and loads it, weights mapped from where they lie. */
export async function openSession(
  thread: Thread,
  g: Graph,
  { options, weights, bound, signal, onBytes = () => {} }: SessionOptions
): Promise<Session> {
  const path = sidePath()
  // External data must lie below a folder that the runtime is told. Below the root lies every file.
  const { root } = parse(path)
  const below = (file: string): string => relative(root, resolve(file)).split(sep).join('/')
  const place = (file: string): string | undefined => (parse(resolve(file)).root === root ? below(file) : undefined)
  const { model, inputs, outputs, side } = await toOnnx(g, { weights, bound, place, sidePath: below(path), signal })
  try {
    if (side) await writeSide(path, side, { signal, onBytes })
    const session = await thread.call('open', { model, options: withFolder(options, root) })
    return {
      async run(feeds, cancelled) {
        const named = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [input, feeds[name]]))
        const transfer = Object.values(named).flatMap(feed =>
          typeof feed === 'number' ? [] : [feed.data.buffer as ArrayBuffer]
        )
        const fetches = Object.fromEntries(
          Object.entries(outputs).map(([name, output]) => [output, expected(g.outputs[name])])
        )
        const made = await thread.call('run', { session, feeds: named, fetches, cancelled }, transfer)
        return Object.fromEntries(
          Object.entries(outputs).flatMap(([name, output]) => (output in made ? [[name, made[output]]] : []))
        )
      },
      close: () => {
        thread.call('close', { session }).catch(() => {})
      }
    }
  } finally {
    if (side) await removeSide(path)
  }
}

const expected = ({ dtype, shape }: Value): Expected => ({
  dtype,
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

/** Bytes of the params of a graph, as stored. */
export const weightBytes = (params: readonly Value[], weights: WeightSource): number =>
  params.reduce((n, p) => n + (weights.locate(nameOf(p)!)?.length ?? 4 * sizeOf(p.shape)), 0)
