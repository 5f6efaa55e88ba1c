import { it } from 'vitest'
import { wasm } from '@sam/backend-wasm'
import { checkPrecisions } from '../../onnxruntime/test/precision.js'
import { wasmPaths } from './wasm-files.js'

it('precision: linear layers are computed with weights in f16 and in int8', () =>
  checkPrecisions(precision => wasm({ wasmPaths, precision })))
