import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Device } from './device.js'
import { failure } from './failure.js'
import type { Program } from './kernels/program.js'

/** Records one program into the device's current pass. */
export function dispatch(
  { tfjs }: Device,
  program: Program,
  { inputs, result }: { inputs: readonly TensorInfo[]; result: TensorInfo }
): void {
  const uniforms = program.uniforms.map(({ name, type, data }) => ({
    name,
    type: type === 'i32' ? 'int32' : 'float32',
    data: [...data],
    vector: data.length > 1 ? `vec${data.length}<${type}>` : type
  }))
  const declared = uniforms.map(u => `${u.name} : ${u.vector}, `).join('')
  // A new program object for each run: tfjs writes into it.
  tfjs.runWebGPUProgram(
    {
      variableNames: program.inputs.map(i => i.name),
      variableComponents: program.inputs.map(i => i.components),
      outputComponent: program.components,
      outputShape: [1],
      workgroupSize: [...program.workgroup],
      dispatch: [...program.groups],
      dispatchLayout: { x: [0], y: [0] }, // two axes of one: `main` takes no index, and tfjs makes no coordinates
      uniforms: declared,
      shaderKey: keyOf(program.code + declared),
      getUserCode: () => program.code
    },
    [...inputs],
    result.dtype,
    uniforms,
    result
  )
}

const keys = new Map<string, string>()

/**
 * A short unique key for a shader's text. tfjs caches pipelines by it.
 */
function keyOf(text: string): string {
  let key = keys.get(text)
  if (key === undefined) keys.set(text, (key = `sam${keys.size}`))
  return key
}

/**
 * Runs `record` in error scopes, so that the device's validation errors are this call's. Recording is synchronous:
 * scopes of several runs do not interleave.
 */
export async function checked(device: Device, doing: string, record: () => void): Promise<void> {
  const { gpu } = device
  gpu.pushErrorScope('out-of-memory')
  gpu.pushErrorScope('internal')
  gpu.pushErrorScope('validation')
  let thrown: unknown
  try {
    record()
  } catch (error) {
    thrown = error
  }
  const found = Promise.all([gpu.popErrorScope(), gpu.popErrorScope(), gpu.popErrorScope()])
  const errors = await device.alive(found)
  if (thrown !== undefined) throw failure(thrown, doing)
  const first = errors[2] ?? errors[0] ?? errors[1]
  if (first) throw failure(first, doing)
}
