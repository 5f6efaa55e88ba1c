import { BackendError } from '@sam/core/graph'

/** Execution providers of onnxruntime-node for NVIDIA GPUs. */
export type Provider = 'cuda' | 'tensorrt'

/** The error for a missing provider. There is no fallback to the CPU. */
export function providerMissing(
  provider: Provider,
  cause: Error,
  { platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'> = process
): BackendError {
  const said = /onnxruntime: .*/s.exec(cause.message)?.[0] ?? cause.message
  const because = (text: string): BackendError =>
    new BackendError('E_BACKEND_UNAVAILABLE', `${text} Or use cpu() of @sam/backend-cpu. ${said}`, { cause })
  if (platform !== 'linux' || arch !== 'x64')
    return because(`onnxruntime-node runs ${provider} on linux-x64 only, this is ${platform}-${arch}.`)
  return because(
    `${provider} needs an NVIDIA driver, CUDA 12 with cuDNN 9${provider === 'tensorrt' ? ', TensorRT 10' : ''}, and onnxruntime's CUDA library, which is missing after an install with npm 12 or with ONNXRUNTIME_NODE_INSTALL=skip. ` +
      'To get it: npm install-scripts approve onnxruntime-node && ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node (before npm 12, the second command is enough).'
  )
}
