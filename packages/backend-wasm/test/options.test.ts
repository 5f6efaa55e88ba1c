import { expect, it } from 'vitest'
import { pickBackend, wasm } from '@sam/backend-wasm'

const webgpu = () => Promise.reject(new Error('not called'))
it.each([
  ['wasm: no options', () => wasm(undefined as never), 'options must be an object, found undefined'],
  ['wasm: no files', () => wasm({} as never), 'wasmPaths: must be the URL'],
  ['wasm: a misspelt option', () => wasm({ wasmPath: '/' } as never), "did you mean 'wasmPaths'?"],
  ['pickBackend: a misspelt option', () => pickBackend({ webgpu, wasmPaths: '/', prefers: 1 } as never), "'prefer'"],
  [
    'pickBackend: an import that was called',
    () => pickBackend({ webgpu: {}, wasmPaths: '/' } as never),
    '() => import'
  ],
  [
    'pickBackend: another backend',
    () => pickBackend({ webgpu, wasmPaths: '/', prefer: 'cpu' as never }),
    'prefer: must'
  ]
] as const)('%s', async (_, use, message) => {
  await expect(use()).rejects.toMatchObject({ code: 'E_BAD_OPTION', message: expect.stringContaining(message) })
})
