import type { Backend } from '@sam/core'
import { BackendError, type SamErrorCode } from '@sam/core'
import { expect, it } from 'vitest'
import { sharedBackend, type Prefer } from './shared-backend.js'

/** Numbered backends, whose recovery fails with a given error code. */
function fakes() {
  let code: SamErrorCode | undefined
  let serial = 0
  const get = sharedBackend(async (prefer: Prefer) => {
    const backend = {
      name: `${prefer} ${++serial}`,
      recover: async () => {
        if (code) throw new BackendError(code, 'gone')
      }
    }
    return { backend: backend as unknown as Backend, choice: { name: 'wasm', because: 'test' } }
  })
  return {
    name: async (prefer?: Prefer) => (await get(prefer)).backend.name,
    refuse: (with_: SamErrorCode | undefined) => {
      code = with_
    }
  }
}

it('sharedBackend: opens one backend for each preference', async () => {
  const { name } = fakes()
  expect([await name(), await name('wasm'), await name(), await name('wasm')]).toEqual([
    'undefined 1',
    'wasm 2',
    'undefined 1',
    'wasm 2'
  ])
})

it('sharedBackend: replaces a backend whose device is unavailable, and keeps one that may recover', async () => {
  const { name, refuse } = fakes()
  await name()
  refuse('E_DEVICE_LOST')
  await expect(name()).rejects.toMatchObject({ code: 'E_DEVICE_LOST' })
  refuse('E_BACKEND_UNAVAILABLE')
  expect(await name()).toBe('undefined 2')
  refuse(undefined)
  expect(await name()).toBe('undefined 2')
})
