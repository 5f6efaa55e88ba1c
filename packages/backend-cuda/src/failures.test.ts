import { expect, it } from 'vitest'
import { providerMissing } from './failures.js'

it('providerMissing: explains how to install CUDA', () => {
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
