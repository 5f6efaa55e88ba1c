import { expect, it } from 'vitest'
import { delay } from './delay.js'

const anHour = 3_600_000

it('delay: ends after its time', async () => {
  await delay(1)
  await delay(1, new AbortController().signal)
})

it('delay: an abort ends it with its reason', async () => {
  const abort = new AbortController()
  const waiting = delay(anHour, abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})

it('delay: does not begin after an abort', async () => {
  await expect(delay(anHour, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
})
