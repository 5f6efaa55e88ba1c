import { wasm } from '@sam/backend-wasm'
import { loadClip } from '@sam/clip'
import { loadSam } from '@sam/core'
import { tinyModel } from '@sam/model-tiny'
import { serveSam } from '../src/index.js'

/** What the tests ask of this worker. */
export interface Data {
  readonly wasmPaths: string
  /** Another checkpoint. */
  readonly weights?: URL
  readonly text?: boolean
}

serveSam<Data>(async (options, { wasmPaths, weights, text }) => {
  const backend = await wasm({ wasmPaths, threads: 1 })
  const model = tinyModel()
  const clip = text ? await loadClip({ ...model.clip, backend }) : undefined
  return loadSam({ weights: weights ?? model.weights, backend, text: clip, ...options })
})
