import { expect, it } from 'vitest'
import { clipText, loadClip, zeroShotDetector } from '@sam/clip'
import { referenceBackend } from '@sam/core/testing'

const model = './clip'
const backend = referenceBackend()
it.each([
  ['loadClip: no options', () => loadClip(undefined as never), 'options must be an object, found undefined'],
  ['loadClip: no model', () => loadClip({ backend } as never), 'model: must be the folder of a CLIP'],
  ['loadClip: no backend', () => loadClip({ model } as never), 'such as await cpu()'],
  [
    'loadClip: a backend that was not awaited',
    () => loadClip({ model, backend: Promise.resolve(backend) as never }),
    'found a promise; await it'
  ],
  ['loadClip: a misspelt option', () => loadClip({ model, backend, template: [] } as never), "'templates'"],
  ['loadClip: a misspelt crop rule', () => loadClip({ model, backend, crop: { grown: 1 } } as never), "'grow'"],
  [
    'loadClip: a phrase as background',
    () => loadClip({ model, backend, background: 'a' as never }),
    'background: must'
  ],
  ['clipText: a misspelt option', () => clipText({ model, dtyp: 'q8' } as never), "'dtype'"],
  ['clipText: no model', () => clipText({} as never), 'model: must be a repository'],
  [
    'zeroShotDetector: a pipeline that was not awaited',
    async () => zeroShotDetector(Promise.resolve() as never, { RawImage: class {} }),
    'found a promise; await it'
  ]
] as const)('%s', async (_, use, message) => {
  await expect(use()).rejects.toMatchObject({ code: 'E_BAD_OPTION', message: expect.stringContaining(message) })
})
