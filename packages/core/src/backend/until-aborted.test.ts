import { describe, expect, it, vi } from 'vitest'
import { untilAborted } from './until-aborted.js'

describe('untilAborted', () => {
  const reason = new Error('enough')

  it('settles with the promise without a signal or an abort', async () => {
    const abandon = vi.fn()
    const { signal } = new AbortController()
    await expect(untilAborted(Promise.resolve(1), signal, abandon)).resolves.toBe(1)
    await expect(untilAborted(Promise.resolve(2), undefined, abandon)).resolves.toBe(2)
    await expect(untilAborted(Promise.reject(new Error('failed')), signal, abandon)).rejects.toThrow('failed')
    expect(abandon).not.toHaveBeenCalled()
  })

  it('rejects with the reason while the work continues, and releases its result', async () => {
    const abandon = vi.fn()
    const controller = new AbortController()
    const endless = untilAborted(new Promise(() => {}), controller.signal, abandon)
    controller.abort(reason)
    await expect(endless).rejects.toBe(reason)
    await expect(untilAborted(new Promise(() => {}), controller.signal, abandon)).rejects.toBe(reason)
    expect(abandon).toHaveBeenCalledTimes(2)
  })

  it('ignores an abort after the end', async () => {
    const abandon = vi.fn()
    const controller = new AbortController()
    await untilAborted(Promise.resolve(), controller.signal, abandon)
    await Promise.resolve()
    controller.abort(reason)
    expect(abandon).not.toHaveBeenCalled()
  })
})
