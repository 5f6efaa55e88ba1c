import { describe, expect, it } from 'vitest'
import { SharedWork } from './shared-work.js'

/** Work that ends on `end()` or on an abort. */
function work(): { shared: SharedWork<string>; end: () => void; signal: AbortSignal } {
  let end!: () => void
  let signal!: AbortSignal
  const shared = new SharedWork<string>(s => {
    signal = s
    return new Promise((resolve, reject) => {
      end = () => resolve('done')
      s.addEventListener('abort', () => reject(s.reason as Error))
    })
  })
  return { shared, end, signal }
}

describe('SharedWork', () => {
  it('is not aborted by one of two callers', async () => {
    const { shared, end, signal } = work()
    const [one, stop] = [new AbortController(), new Error('one left')]
    const [first, second] = [shared.wait(one.signal), shared.wait()]
    one.abort(stop)
    await expect(first).rejects.toBe(stop)
    expect(signal.aborted).toBe(false)
    end()
    expect(await second).toBe('done')
    expect(shared.failed).toBe(false)
  })

  it('is aborted when the last caller leaves', async () => {
    const { shared, signal } = work()
    const [one, two] = [new AbortController(), new AbortController()]
    const waiting = [shared.wait(one.signal), shared.wait(two.signal)]
    one.abort(new Error('one'))
    await expect(waiting[0]).rejects.toThrow('one')
    two.abort(new Error('two'))
    await expect(waiting[1]).rejects.toThrow('two')
    expect(signal.aborted).toBe(true)
    expect(shared.failed).toBe(true)
  })
})
