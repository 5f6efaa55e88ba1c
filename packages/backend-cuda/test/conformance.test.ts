import { afterAll, beforeAll, describe, it } from 'vitest'
import { checkContract, conformanceCases, opened, runCase } from '@sam/core/testing'
import { SamError, type Backend } from '@sam/core/graph'
import { onnxruntime, type Provider } from '@sam/backend-cuda'

const there = async (provider: Provider): Promise<boolean> => {
  try {
    (await onnxruntime(provider)).dispose()
    return true
  } catch (error) {
    if (SamError.is(error) && error.code === 'E_BACKEND_UNAVAILABLE') return false
    throw error
  }
}

/** The CPU always, a GPU when one is present. */
for (const provider of ['cpu', 'cuda'] as const) {
  describe.skipIf(provider !== 'cpu' && !await there(provider))(provider, () => {
    let backend: Backend
    beforeAll(async () => { backend = await onnxruntime(provider) })
    afterAll(() => backend.dispose())

    it.each(conformanceCases().map(c => [c.name, c] as const))('%s', (_, c) => runCase(backend, c))
    it.each(conformanceCases().map(opened).map(c => [c.name, c] as const))('%s', (_, c) => runCase(backend, c))
    it('keeps the rest of the contract', () => checkContract(backend))
  })
}
