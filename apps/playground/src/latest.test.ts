import { describe, expect, it } from 'vitest'
import { latest } from './latest.js'

/** Runs that are answered by hand. */
function byHand() {
  const runs: {
    args: number
    signal: AbortSignal
    answer: (result: string) => void
    refuse: (error: Error) => void
  }[] = []
  const results: string[] = []
  const it = latest(
    (args: number, signal) =>
      new Promise<string>((answer, refuse) => {
        runs.push({ args, signal, answer, refuse })
      }),
    result => results.push(result)
  )
  const settle = () => new Promise(resolve => setTimeout(resolve))
  return { ...it, runs, results, settle }
}

describe('latest', () => {
  it('runs one at a time, and of what was asked meanwhile the newest only', async () => {
    const { ask, runs, results, settle } = byHand()
    for (const n of [1, 2, 3, 4]) ask(n)
    expect(runs.map(r => r.args)).toEqual([1])
    runs[0].answer('one')
    await settle()
    expect([runs.map(r => r.args), results]).toEqual([[1, 4], ['one']])
    runs[1].answer('four')
    await settle()
    expect([runs.length, results]).toEqual([2, ['one', 'four']])
  })

  it('aborts and drops what is out of date', async () => {
    const { ask, stop, runs, results, settle } = byHand()
    ask(1)
    ask(2)
    stop()
    expect(runs[0].signal.aborted).toBe(true)
    ask(3)
    runs[0].answer('late')
    runs[1].answer('three')
    await settle()
    expect([runs.map(r => r.args), results]).toEqual([[1, 3], ['three']])
  })

  it('goes on after a failure', async () => {
    const { ask, runs, results, settle } = byHand()
    ask(1)
    ask(2)
    runs[0].refuse(new Error('no'))
    await settle()
    runs[1].answer('two')
    await settle()
    expect(results).toEqual(['two'])
  })
})
