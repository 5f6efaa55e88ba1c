import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { push, redo, startHistory, undo, type History } from './history.js'

describe('history', () => {
  it('undoes and redoes, and drops undone steps on a new push', () => {
    const history = push(push(startHistory('a'), 'b'), 'c')
    expect(undo(history).present).toBe('b')
    expect(redo(undo(undo(history)))).toEqual({ past: ['a'], present: 'b', future: ['c'] })
    expect(push(undo(history), 'd')).toEqual({ past: ['a', 'b'], present: 'd', future: [] })
  })

  it('does not change when there is nothing to undo, redo or push', () => {
    const start = startHistory(1)
    expect([undo(start), redo(start), push(start, 1)]).toEqual([start, start, start])
  })

  it('keeps 200 steps', () => {
    let history: History<number> = startHistory(0)
    for (let i = 1; i <= 300; i++) history = push(history, i)
    expect([history.past.length, history.past[0]]).toEqual([200, 100])
  })

  it('redo inverts undo, and undo inverts redo, for any sequence of steps', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('push', 'undo', 'redo')), steps => {
        let history: History<number> = startHistory(0)
        steps.forEach((step, i) => {
          history = step === 'push' ? push(history, i + 1) : step === 'undo' ? undo(history) : redo(history)
        })
        if (history.past.length) expect(redo(undo(history))).toEqual(history)
        if (history.future.length) expect(undo(redo(history))).toEqual(history)
      })
    )
  })
})
