import { describe, expect, it } from 'vitest'
import { runtimeFailed } from './failures.js'

describe('runtimeFailed: error codes', () => {
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

  it.each([
    [new RangeError('Array buffer allocation failed'), 'E_OUT_OF_MEMORY'],
    [17, 'E_OUT_OF_MEMORY'],
    [new Error('std::bad_alloc'), 'E_OUT_OF_MEMORY'],
    [new Error('[E] no kernel'), 'E_BACKEND_FAILED']
  ])('%s', (error, code) => expect(runtimeFailed(error).code).toBe(code))
})
