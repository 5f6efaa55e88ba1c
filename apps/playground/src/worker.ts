/** The compute thread: holds one model and its backend, so the page stays responsive. */
import { pickBackend, type Choice } from '@sam/backend-wasm'
import { serveSam } from '@sam/worker'
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { bundledModels } from './bundled-models.js'
import type { LoadRequest } from './protocol.js'
import { openModel } from './weights/open-model.js'

serveSam<LoadRequest>(async ({ signal }, { model, prefer, onStep, onLoaded }) => {
  let choice: Choice
  const backend = await pickBackend({
    webgpu: () => import('@sam/backend-webgpu'),
    wasmPaths: { wasm, mjs },
    prefer,
    onChoice: chosen => {
      choice = chosen
    }
  })
  const {
    sam,
    label = sam.config.name,
    note,
    again
  } = await openModel(model, { backend, signal: signal ?? new AbortController().signal, onStep })
  const bundled = model.kind === 'bundled' ? bundledModels[model.name].automatic : undefined
  onLoaded({
    name: label,
    note,
    again,
    backend: choice!,
    automatic: bundled ?? { pointsPerSide: choice!.name === 'webgpu' ? 32 : 16 },
    resources: performance.getEntriesByType('resource').map(({ name }) => name)
  })
  return sam
})
