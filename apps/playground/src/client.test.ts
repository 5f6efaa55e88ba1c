import { describe, expect, it } from 'vitest'
import { client } from './client.js'
import type { FromWorker, Step, ToWorker } from './protocol.js'

function fakeWorker() {
  const sent: ToWorker[] = []
  const listeners: Record<string, (event: unknown) => void> = {}
  const worker = {
    postMessage: (message: ToWorker) => {
      sent.push(message)
    },
    addEventListener: (type: string, f: (event: unknown) => void) => {
      listeners[type] = f
    }
  }
  return {
    call: client(worker),
    sent,
    respond: (data: FromWorker) => listeners.message({ data }),
    fail: (message: string) => listeners.error({ message })
  }
}

describe('client', () => {
  it('matches responses to calls in any order, with progress steps between them', async () => {
    const { call, respond } = fakeWorker()
    const steps: Step[] = []
    const load = call(
      'load',
      { model: { kind: 'bundled', name: 'tiny' }, prefer: undefined },
      { onStep: step => steps.push(step) }
    )
    const stored = call('stored', {})
    respond({ id: 1, step: { doing: 'compile', loaded: 1, total: 2 } })
    respond({ id: 2, result: [] })
    respond({ id: 1, error: { code: 'E_WEIGHTS_IO', message: 'not there' } })
    expect(await stored).toEqual([])
    await expect(load).rejects.toMatchObject({ code: 'E_WEIGHTS_IO', message: 'not there' })
    expect(steps).toHaveLength(1)
  })

  it('rejects immediately on abort, cancels the call in the worker, and ignores its late response', async () => {
    const { call, sent, respond } = fakeWorker()
    const stop = new AbortController()
    const running = call('predict', { prompts: { points: [], strokes: [] } }, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(sent[1]).toEqual({ id: 1, cancel: true })
    respond({ id: 1, result: [] })
    await expect(call('stored', {}, { signal: stop.signal })).rejects.toThrow('enough')
    expect(sent).toHaveLength(2)
  })

  it('rejects all pending calls when the worker fails', async () => {
    const { call, fail } = fakeWorker()
    const stored = call('stored', {})
    fail('syntax')
    await expect(stored).rejects.toMatchObject({ code: 'E_WORKER' })
  })
})
