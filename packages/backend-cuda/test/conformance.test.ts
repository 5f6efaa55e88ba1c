import { afterAll, beforeAll, describe, it } from 'vitest'
import { checkContract, conformanceCases, decomposed, runCase } from '@sam/core/testing'
import { SamError, type Backend } from '@sam/core/graph'
import { cuda } from '@sam/backend-cuda'

const available = await cuda().then(
  backend => {
    backend.dispose()
    return true
  },
  (error: unknown) => {
    if (SamError.is(error) && error.code === 'E_BACKEND_UNAVAILABLE') return false
    throw error
  }
)

if (!available) it.skip('cuda: no device here', () => {})
else
  describe('cuda', () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await cuda()
    })
    afterAll(() => backend.dispose())

    it.each([...conformanceCases(), ...conformanceCases().map(decomposed)].map(c => [c.name, c] as const))(
      '%s',
      (_, c) => runCase(backend, c)
    )
    it('passes checkContract', () => checkContract(backend))
  })
