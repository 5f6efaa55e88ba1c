import { BackendError } from '@sam/core/graph'

/** Only `@sam/backend-cuda` needs what the install script downloads, and only linux-x64 has it. */
const install =
  (process.platform === 'linux' && process.arch === 'x64' ? 'ONNXRUNTIME_NODE_INSTALL=skip ' : '') +
  'npm install onnxruntime-node@1.30.0'

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
      `onnxruntime-node must be installed, found none. Run: ${install} (with --global if the package that needs it is installed globally). ` +
        'Its install script downloads CUDA libraries on linux-x64 unless told to skip them; if the download fails, npm removes an optional package. ' +
        'It has binaries for x64 and arm64 of Linux (glibc), macOS and Windows'
    )
  }
  return because(`onnxruntime-node could not be loaded on ${process.platform}-${process.arch}: ${message}`)
}
