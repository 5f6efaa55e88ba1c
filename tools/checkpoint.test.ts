import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { configs } from '@sam/core'
import { hashCheckpoint } from './checkpoint.js'

it('hashCheckpoint: writes a file once, and another one for other shapes under the same name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sam-checkpoint-'))
  const { tiny } = configs
  const first = await hashCheckpoint(tiny, folder)
  expect(await hashCheckpoint(tiny, folder)).toBe(first)
  expect(await hashCheckpoint({ ...tiny, maskChannels: 4 }, folder)).not.toBe(first)
  expect(await readdir(folder)).toHaveLength(2)
  await rm(folder, { recursive: true })
})
