import { BackendError } from '@sam/core/graph'

/** The error when onnxruntime-node cannot be loaded. */
export function importFailed(error: unknown): BackendError {
  const { message, code } = error as NodeJS.ErrnoException
  const because = (text: string): BackendError => new BackendError('E_BACKEND_UNAVAILABLE', text, { cause: error })
  if (/VERS_\d/.test(message)) {
    return because(
      'two versions of onnxruntime-node cannot share a process, and another one is loaded already: `npm ls onnxruntime-node` shows which packages depend on which; ' +
        'use one version, for example with "overrides" in package.json'
    )
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return because(
      `onnxruntime-node must be installed: npm install onnxruntime-node@1.30.0 (it has binaries for x64 and arm64 of Linux, macOS and Windows, not for ${process.platform}-${process.arch} if this comes again)`
    )
  }
  return because(`onnxruntime-node could not be loaded on ${process.platform}-${process.arch}: ${message}`)
}
