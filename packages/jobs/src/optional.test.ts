import { expect, it } from 'vitest'
import { optional } from './optional.js'

it('optional: names the packages that are missing, and how to install them', async () => {
  const load = async (): Promise<never> => Promise.reject(new Error("Cannot find package 'bullmq'"))
  await expect(
    optional(load, { code: 'E_QUEUE', install: 'bullmq ioredis', purpose: 'a queue' })
  ).rejects.toMatchObject({
    code: 'E_QUEUE',
    message: 'a queue needs optional packages: npm install bullmq ioredis'
  })
  expect(await optional(async () => 1, { code: 'E_QUEUE', install: '', purpose: '' })).toBe(1)
})
