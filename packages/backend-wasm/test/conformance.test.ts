import { beforeAll, describe, it } from 'vitest'
import { checkContract, conformanceCases, decomposed, runCase } from '@sam/core/testing'
import type { Backend } from '@sam/core/graph'
import { wasm } from '@sam/backend-wasm'
import { wasmPaths } from './wasm-files.js'

describe('wasm', () => {
  let backend: Backend
  beforeAll(async () => {
    backend = await wasm({ wasmPaths })
  })

  it.each(conformanceCases().map(c => [c.name, c] as const))('%s', (_, c) => runCase(backend, c))
  it.each(
    conformanceCases()
      .map(decomposed)
      .map(c => [c.name, c] as const)
  )('%s', (_, c) => runCase(backend, c))
  it('passes checkContract', () => checkContract(backend))
})
