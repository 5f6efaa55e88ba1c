import { pickBackend } from '@sam/backend-wasm'
import { loadSam } from '@sam/core'
import { mobileModel } from '@sam/model-mobile'
import { serveSam } from '@sam/worker'
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

serveSam(async options => {
  const backend = await pickBackend({ webgpu: () => import('@sam/backend-webgpu'), wasmPaths: { wasm, mjs } })
  const { weights } = await mobileModel()
  return loadSam({ weights, backend, ...options })
})
