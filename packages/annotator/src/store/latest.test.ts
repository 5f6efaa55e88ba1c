import { describe, expect, it } from 'vitest'
import { latest } from './latest.js'

/** Runs that the test settles itself. */
function byHand() {
  const runs: {
    args: number
    signal: AbortSignal
    resolve: (result: string) => void
    reject: (error: Error) => void
  }[] = []
  const results: string[] = []
  const it = latest(
    (args: number, signal) =>
      new Promise<string>((resolve, reject) => {
        runs.push({ args, signal, resolve, reject })
      }),
    result => results.push(result)
  )
  const settle = () => new Promise(resolve => setTimeout(resolve))
  return { ...it, runs, results, settle }
}

describe('latest', () => {
  it('runs one request at a time, then only the newest of those made meanwhile', async () => {
    const { request, runs, results, settle } = byHand()
    for (const n of [1, 2, 3, 4]) request(n)
    expect(runs.map(r => r.args)).toEqual([1])
    runs[0].resolve('one')
    await settle()
    expect([runs.map(r => r.args), results]).toEqual([[1, 4], ['one']])
    runs[1].resolve('four')
    await settle()
    expect([runs.length, results]).toEqual([2, ['one', 'four']])
  })

  it('stop: aborts the current run and drops its result', async () => {
    const { request, stop, runs, results, settle } = byHand()
    request(1)
    request(2)
    stop()
    expect(runs[0].signal.aborted).toBe(true)
    request(3)
    runs[0].resolve('late')
    runs[1].resolve('three')
    await settle()
    expect([runs.map(r => r.args), results]).toEqual([[1, 3], ['three']])
  })

  it('continues after a failure', async () => {
    const { request, runs, results, settle } = byHand()
    request(1)
    request(2)
    runs[0].reject(new Error('no'))
    await settle()
    runs[1].resolve('two')
    await settle()
    expect(results).toEqual(['two'])
  })
})
