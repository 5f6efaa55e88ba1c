import { afterAll, beforeAll, describe, it } from 'vitest'
import { checkContract, conformanceCases, opened, runCase } from '@sam/core/testing'
import { SamError, type Backend } from '@sam/core/graph'
import { onnxruntime, type Provider } from '@sam/backend-cuda'

const isThere = (provider: Provider): Promise<boolean> =>
  onnxruntime(provider).then(
    backend => {
      backend.dispose()
      return true
    },
    (error: unknown) => {
      if (SamError.is(error) && error.code === 'E_BACKEND_UNAVAILABLE') return false
      throw error
    }
  )

/** The CPU always, a GPU when one is present. */
for (const provider of ['cpu', 'cuda'] as const) {
  if (provider !== 'cpu' && !(await isThere(provider))) {
    it.skip(`${provider} is not here`, () => {})
    continue
  }
  describe(provider, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await onnxruntime(provider)
    })
    afterAll(() => backend.dispose())

    it.each([...conformanceCases(), ...conformanceCases().map(opened)].map(c => [c.name, c] as const))('%s', (_, c) =>
      runCase(backend, c)
    )
    it('keeps the rest of the contract', () => checkContract(backend))
  })
}
