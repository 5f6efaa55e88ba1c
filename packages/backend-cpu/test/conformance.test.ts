import { afterAll, beforeAll, describe, it } from 'vitest'
import { checkContract, conformanceCases, decomposed, runCase } from '@sam/core/testing'
import type { Backend } from '@sam/core/graph'
import { cpu } from '@sam/backend-cpu'

describe('cpu', () => {
  let backend: Backend
  beforeAll(async () => {
    backend = await cpu()
  })
  afterAll(() => backend.dispose())

  it.each([...conformanceCases(), ...conformanceCases().map(decomposed)].map(c => [c.name, c] as const))('%s', (_, c) =>
    runCase(backend, c)
  )
  it('passes checkContract', () => checkContract(backend))
})
