import { checkContract, conformanceCases, decomposed, runCase } from '@sam/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { webgpu, type WebGpuBackend } from '../src/index.js'

describe('conformance of the decompositions', () => {
  let backend: WebGpuBackend
  beforeAll(async () => {
    backend = await webgpu()
  })
  afterAll(() => backend.dispose())
  it.each(
    conformanceCases()
      .map(decomposed)
      .map(c => [c.name, c] as const)
  )('%s', async (_, c) => {
    await runCase(backend, c)
  })
  it('passes checkContract', () => checkContract(backend))
})
