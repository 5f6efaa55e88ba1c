import { checkContract, conformanceCases, runCase } from '@sam/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { webgpu, type WebGpuBackend } from '../src/index.js'

describe('conformance', () => {
  let backend: WebGpuBackend
  beforeAll(async () => {
    backend = await webgpu()
  })
  afterAll(() => backend.dispose())
  it.each(conformanceCases().map(c => [c.name, c] as const))('%s', async (_, c) => {
    await runCase(backend, c)
  })
  it('passes checkContract', () => checkContract(backend))
})
