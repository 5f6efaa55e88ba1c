import { expect, it } from 'vitest'
import { cpu } from '@sam/backend-cpu'
import { checkPrecisions } from '../../onnxruntime/test/precision.js'

it('precision: linear layers are computed with weights in f16 and in int8', () =>
  checkPrecisions(precision => cpu({ threads: 1, precision })))

it('precision: refuses an unknown one', async () => {
  const open = cpu({ precision: 'int4' as 'int8' })
  await expect(open).rejects.toMatchObject({ code: 'E_BAD_OPTION', message: expect.stringContaining('int4') as string })
})
