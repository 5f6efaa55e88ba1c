import { describe, expect, it } from 'vitest'
import { importFailed, providerMissing, runtimeFailed } from './failures.js'

describe("onnxruntime's words in ours", () => {
  it.each([
    ['std::bad_alloc', 'E_OUT_OF_MEMORY'],
    [
      'Non-zero status code returned while running MatMul node. Name:"t7" Status Message: bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 805306368',
      'E_OUT_OF_MEMORY'
    ],
    ['CUDA failure 2: out of memory ; GPU=0', 'E_OUT_OF_MEMORY'],
    ['CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED', 'E_OUT_OF_MEMORY'],
    ['CUDA failure 700: an illegal memory access was encountered ; GPU=0', 'E_DEVICE_LOST'],
    ['CUDA error cudaErrorLaunchFailure: unspecified launch failure', 'E_DEVICE_LOST'],
    ['Got invalid dimensions for output: y', 'E_BACKEND_FAILED']
  ])('%s', (text, code) => {
    const error = runtimeFailed(text)
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
  })

  it('tells two versions in one process from a missing package', () => {
    const conflict = importFailed(
      Object.assign(
        new Error("libonnxruntime.so.1: version `VERS_1.30.0' not found (required by onnxruntime_binding.node)"),
        { code: 'ERR_DLOPEN_FAILED' }
      )
    )
    expect([conflict.code, conflict.message]).toEqual([
      'E_BACKEND_UNAVAILABLE',
      expect.stringContaining('npm ls onnxruntime-node')
    ])
    const missing = importFailed(
      Object.assign(new Error("Cannot find package 'onnxruntime-node'"), { code: 'ERR_MODULE_NOT_FOUND' })
    )
    expect([missing.code, missing.message]).toEqual([
      'E_BACKEND_UNAVAILABLE',
      expect.stringContaining('npm install onnxruntime-node')
    ])
  })

  it('says how CUDA is installed', () => {
    const { code, message } = providerMissing('cuda', new Error('Failed to load shared library'), {
      platform: 'linux',
      arch: 'x64'
    })
    expect(code).toBe('E_BACKEND_UNAVAILABLE')
    expect(message).toContain(
      'npm install-scripts approve onnxruntime-node && ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node'
    )
    expect(providerMissing('cuda', new Error('no'), { platform: 'darwin', arch: 'arm64' }).message).toContain(
      'linux-x64 only'
    )
  })
})
