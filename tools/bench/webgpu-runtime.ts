/** onnxruntime's own WebGPU provider on our ONNX, for comparison. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Graph, HostTensor, WeightSource } from '@sam/core/graph'
import { toOnnx } from '@sam/onnx'
import ort from 'onnxruntime-node'

/** A graph loaded by onnxruntime. */
export interface Rival {
  /** Where its nodes run, as far as onnxruntime reports it. */
  readonly where: string
  /** Runs once and copies the outputs to host memory. */
  run(): Promise<Record<string, Float32Array>>
  close(): Promise<void>
}

/** Loads a graph on the provider. Throws onnxruntime's error where the provider does not start on this adapter. */
export async function openRival(
  g: Graph,
  { weights, feeds, folder }: { weights: WeightSource; feeds: Readonly<Record<string, HostTensor>>; folder: string }
): Promise<Rival> {
  if (!ort.listSupportedBackends().some(b => b.name === 'webgpu'))
    throw new Error('this build of onnxruntime-node has no WebGPU provider')
  const { path, inputs, outputs } = await writeOnnx(g, weights, folder)
  const open = (fallback: boolean): Promise<ort.InferenceSession> =>
    ort.InferenceSession.create(path, {
      executionProviders: fallback ? ['webgpu', 'cpu'] : ['webgpu'],
      logSeverityLevel: 4,
      extra: { session: { disable_cpu_ep_fallback: fallback ? '0' : '1' } }
    })
  let where = 'every node on the GPU'
  const session = await open(false).catch(async (error: unknown) => {
    where = `some nodes on the CPU (${String((error as Error).message).split('\n')[0]})`
    return open(true)
  })
  const types = { f32: 'float32', i32: 'int32', bool: 'bool', f16: 'float16' } as const
  const fed = Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => {
      const { dtype, data, shape } = feeds[name]
      return [input, new ort.Tensor(types[dtype], data as Float32Array, shape)]
    })
  )
  return {
    where,
    async run() {
      const found = await session.run(fed)
      return Object.fromEntries(
        Object.entries(outputs).map(([name, output]) => [name, found[output].data as Float32Array])
      )
    },
    close: () => session.release()
  }
}

/** Writes the model: the graph, and its weights as external data. */
async function writeOnnx(
  g: Graph,
  weights: WeightSource,
  folder: string
): Promise<{ path: string; inputs: Readonly<Record<string, string>>; outputs: Readonly<Record<string, string>> }> {
  mkdirSync(folder, { recursive: true })
  const externalDataPath = `${g.name}.onnx.data`
  const { model, inputs, outputs, externalData } = await toOnnx(g, { weights, externalDataPath })
  const path = join(folder, `${g.name}.onnx`)
  await writeFile(path, model)
  const file = externalData && openSync(join(folder, externalDataPath), 'w')
  if (externalData && file !== undefined) {
    for await (const chunk of externalData.chunks()) writeSync(file, chunk)
    closeSync(file)
  }
  return { path, inputs, outputs }
}
