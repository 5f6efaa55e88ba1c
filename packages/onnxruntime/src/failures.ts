import { BackendError } from '@sam/core/graph'

/** Begins the runtime's own words at the end of a message. */
const says = 'onnxruntime: '

/** onnxruntime throws plain text; this says it in the SDK's terms, with the text as the end of the message. */
export function runtimeFailed(text: string): BackendError {
  const said = text.replace(/\s+/g, ' ').slice(0, 600)
  if (/bad_alloc|failed to allocate|out of memory|alloc_failed|not enough (?:memory|space)/i.test(text)) {
    return new BackendError(
      'E_OUT_OF_MEMORY',
      `no memory left for this run: decode fewer prompts at once, dispose results you no longer need, or take a smaller model. ${says}${said}`
    )
  }
  if (
    /cuda (?:failure|error)[^\n]*(?:700|719|999|illegal|unspecified|launch failure)|device (?:is |was )?lost|dxgi_error_device/i.test(
      text
    )
  ) {
    return new BackendError(
      'E_DEVICE_LOST',
      `the device stopped answering; make a new backend and load again. ${says}${said}`
    )
  }
  return new BackendError(
    'E_BACKEND_FAILED',
    `onnxruntime refused or failed; if the graph is not at fault, try { open: 'all' } and report the difference. ${says}${said}`
  )
}

/** onnxruntime-node could not be loaded. */
export function importFailed(error: unknown): BackendError {
  const { message, code } = error as NodeJS.ErrnoException
  const because = (text: string): BackendError => new BackendError('E_BACKEND_UNAVAILABLE', text, { cause: error })
  if (/VERS_\d/.test(message)) {
    return because(
      'two versions of onnxruntime-node cannot share a process, and another one is loaded already: `npm ls onnxruntime-node` shows who asks for which; ' +
        'bring them to one version, for example by "overrides" in package.json'
    )
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return because(
      `onnxruntime-node must be installed: npm install onnxruntime-node@1.30.0 (it has binaries for x64 and arm64 of Linux, macOS and Windows, not for ${process.platform}-${process.arch} if this comes again)`
    )
  }
  return because(`onnxruntime-node could not be loaded on ${process.platform}-${process.arch}: ${message}`)
}

/** A provider was asked for and is not there. Never answered by running on the CPU instead. */
export function providerMissing(
  provider: string,
  cause: Error,
  { platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'> = process
): BackendError {
  const because = (text: string): BackendError =>
    new BackendError(
      'E_BACKEND_UNAVAILABLE',
      `${text} Or use cpu(). ${cause.message.slice(cause.message.indexOf(says))}`,
      { cause }
    )
  if (provider !== 'cuda' && provider !== 'tensorrt') return because(`onnxruntime has no '${provider}' device here.`)
  if (platform !== 'linux' || arch !== 'x64')
    return because(`onnxruntime-node runs ${provider} on linux-x64 only, this is ${platform}-${arch}.`)
  return because(
    `${provider} needs an NVIDIA driver, CUDA 12 with cuDNN 9${provider === 'tensorrt' ? ', TensorRT 10' : ''}, and onnxruntime's CUDA library, which npm does not install by itself. ` +
      'To get it: npm install-scripts approve onnxruntime-node && ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node.'
  )
}
