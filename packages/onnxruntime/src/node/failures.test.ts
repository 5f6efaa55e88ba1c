import { expect, it } from 'vitest'
import { importFailed } from './failures.js'

it('importFailed: distinguishes two versions in one process from a missing package', () => {
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
