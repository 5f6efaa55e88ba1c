import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Gate } from './gate.js'

it('Gate: runs work together, and work alone without any other', async () => {
  const gate = new Gate()
  let [running, most] = [0, 0]
  const task = (alone: boolean) => async (): Promise<void> => {
    running++
    most = Math.max(most, running)
    if (alone) expect(running).toBe(1)
    await sleep(2)
    if (alone) expect(running).toBe(1)
    running--
  }
  const work: Promise<void>[] = []
  for (let i = 0; i < 60; i++) {
    const alone = i % 7 === 3 || i % 7 === 4
    work.push(alone ? gate.alone(task(true)) : gate.together(task(false)))
    if (i % 5 === 0) await sleep(1)
  }
  await Promise.all(work)
  expect(most).toBeGreaterThan(1)
})

it('Gate: goes on after work that failed', async () => {
  const gate = new Gate()
  const fail = async (): Promise<never> => Promise.reject(new Error('failed'))
  await expect(gate.alone(fail)).rejects.toThrow('failed')
  await expect(gate.together(fail)).rejects.toThrow('failed')
  expect(await gate.alone(async () => 1)).toBe(1)
  expect(await gate.together(async () => 2)).toBe(2)
})
